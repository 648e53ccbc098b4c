package smartcalendar_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"texts", "help"} {
		if diff := cmp.Diff(shape(t, dir+"/de.json"), shape(t, dir+"/en.json")); diff != "" {
			t.Errorf("%s differ (-de +en):\n%s", dir, diff)
		}
	}
}

func shape(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	var value any
	must(t, json.Unmarshal(text, &value))
	keys := map[string]bool{}
	walk(value, "", keys)
	return slices.Sorted(maps.Keys(keys))
}

func walk(value any, path string, keys map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for key, below := range v {
			walk(below, path+"."+key, keys)
		}
	case []any:
		for i, below := range v {
			walk(below, path+"["+string(rune('0'+i))+"]", keys)
		}
	default:
		keys[path] = true
	}
}
