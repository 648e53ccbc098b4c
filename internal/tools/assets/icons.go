package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// drawIcons makes one sprite of the icons named in web/icons.txt.
func drawIcons(dir, dist string) error {
	list, err := os.ReadFile(filepath.Join(dir, "icons.txt"))
	if err != nil {
		return fmt.Errorf("icons: %w", err)
	}
	var sprite strings.Builder
	sprite.WriteString(`<svg xmlns="http://www.w3.org/2000/svg">`)
	for _, name := range strings.Fields(string(list)) {
		drawing, err := readIcon(filepath.Join(dir, "node_modules/lucide-static/icons", name+".svg"))
		if err != nil {
			return fmt.Errorf("icon %s: %w", name, err)
		}
		fmt.Fprintf(&sprite, `<symbol id="%s" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">%s</symbol>`, name, drawing)
	}
	sprite.WriteString("</svg>\n")
	return write(dist, "icons.svg", []byte(sprite.String()))
}

// readIcon gives what stands inside an icon's <svg>.
func readIcon(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var svg struct {
		XMLName xml.Name `xml:"svg"`
		Inner   string   `xml:",innerxml"`
	}
	if err := xml.Unmarshal(text, &svg); err != nil {
		return "", err
	}
	return strings.Join(strings.Fields(svg.Inner), " "), nil
}
