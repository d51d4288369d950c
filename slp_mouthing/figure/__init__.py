"""The built-in half body: a mesh, its joints by SMPL-X's names, and how poses of such bodies move it."""
