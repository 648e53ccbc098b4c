package main

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// described is a setting for people.
type described struct{ env, value, help string }

// describe lists every setting with its value now.
func describe(s *settings) []described {
	var lines []described
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		env := envName(flagName(field))
		value := fmt.Sprint(v.Field(i).Interface())
		if secretSettings[env] && value != "" && !isPlace(value) {
			value = "(set)"
		}
		lines = append(lines, described{env: env, value: value, help: field.Tag.Get("help")})
	}
	return lines
}

// isPlace tells a path, an embedded database or a bare address from a secret: a
// password stands before an "@" or in a query.
func isPlace(value string) bool {
	return strings.HasPrefix(value, "sqlite:") || !strings.ContainsAny(value, "{@?")
}

// flagName gives a field's flag as kong names it.
func flagName(field reflect.StructField) string {
	if name := field.Tag.Get("name"); name != "" {
		return name
	}
	var out strings.Builder
	runes := []rune(field.Name)
	for i, r := range runes {
		startsWord := unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if startsWord {
			out.WriteByte('-')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}
