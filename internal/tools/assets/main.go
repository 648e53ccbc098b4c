package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := "web"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := run(dir); err != nil {
		fmt.Fprintln(os.Stderr, "assets:", err)
		os.Exit(1)
	}
}

// run builds everything anew: what an earlier build left is removed.
func run(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s/node_modules is missing: run `npm ci --ignore-scripts --prefix %s` first", dir, dir)
	}
	dist := filepath.Join(dir, "dist")
	if err := empty(dist); err != nil {
		return fmt.Errorf("empty %s: %w", dist, err)
	}
	names, err := bundle(dir, dist)
	if err != nil {
		return err
	}
	if err := drawIcons(dir, dist); err != nil {
		return err
	}
	return writeManifest(dist, names)
}

// empty removes what is in a folder but .gitkeep, which git keeps it by.
func empty(dist string) error {
	entries, err := os.ReadDir(dist)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == ".gitkeep" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dist, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
