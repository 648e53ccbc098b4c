// Command assets bundles web/src into web/dist with hashed names, draws the
// sprite of the icons in web/icons.txt, and writes the manifest that package
// web reads. `make build` calls it after `npm ci --ignore-scripts --prefix web`.
//
// It is a tool of the build: it must never be linked into the server.
package main
