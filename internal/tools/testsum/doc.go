// Command testsum reads what `go test -json` prints, shows the failures whole and
// the rest as a line a package, and ends with "N passed, N failed, N skipped".
// The Makefile calls it; it knows nothing of the project.
package main
