// Package await waits in tests for what happens in the background: for as long as
// any machine may need, so that no test depends on how fast it is. Tests call it;
// it knows nothing of the project.
package await
