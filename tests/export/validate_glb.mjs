// Prints the Khronos glTF validator's report on one file as JSON: node validate_glb.mjs FILE
// The npm package gltf-validator is looked for in the working directory and in NODE_PATH.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter } from "node:path";

const require = createRequire(import.meta.url);
const paths = [process.cwd(), ...(process.env.NODE_PATH ?? "").split(delimiter).filter(Boolean)];
const validator = require(require.resolve("gltf-validator", { paths }));
const report = await validator.validateBytes(new Uint8Array(readFileSync(process.argv[2])), { maxIssues: 100 });
console.log(JSON.stringify(report.issues));
