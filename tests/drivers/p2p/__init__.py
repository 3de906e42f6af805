"""What the tests of the mesh share: running meshes, ears, taps, and strangers."""
