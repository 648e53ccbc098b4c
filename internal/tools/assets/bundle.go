package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/evanw/esbuild/pkg/api"
)

// bundle gives the plain name of each file with the hashed name it got.
func bundle(dir, dist string) (map[string]string, error) {
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{filepath.Join(dir, "src/app.ts"), filepath.Join(dir, "src/app.css")},
		Outdir:      dist, Bundle: true, Write: true, LogLevel: api.LogLevelWarning,
		EntryNames: "[name]-[hash]", AssetNames: "[name]-[hash]",
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		Target: api.ES2022, Format: api.FormatIIFE, Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsEndOfFile,
		Engines: []api.Engine{{Name: api.EngineChrome, Version: "123"}, {Name: api.EngineFirefox, Version: "120"}, {Name: api.EngineSafari, Version: "17.5"}},
		Loader:  map[string]api.Loader{".woff2": api.LoaderFile},
	})
	if len(result.Errors) > 0 {
		return nil, errors.New(result.Errors[0].Text)
	}
	names := map[string]string{}
	for _, file := range result.OutputFiles {
		hashed := filepath.Base(file.Path)
		names[plainName(hashed)] = hashed
	}
	return names, copyHashed(filepath.Join(dir, "src/favicon.svg"), dist, names)
}

var hashInName = regexp.MustCompile(`-[A-Z0-9]{8}(\.[a-z0-9]+)$`)

func plainName(hashed string) string { return hashInName.ReplaceAllString(hashed, "$1") }

// copyHashed brings a file along as it is, named by its content.
func copyHashed(path, dist string, names map[string]string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	sum := sha256.Sum256(text)
	plain, ext := filepath.Base(path), filepath.Ext(path)
	hashed := plain[:len(plain)-len(ext)] + "-" + hex.EncodeToString(sum[:4]) + ext
	names[plain] = hashed
	return write(dist, hashed, text)
}

func writeManifest(dist string, names map[string]string) error {
	text, err := json.MarshalIndent(names, "", "  ")
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	return write(dist, "manifest.json", text)
}

func write(dist, name string, text []byte) error {
	if err := os.WriteFile(filepath.Join(dist, name), text, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
