package ui

import (
	"encoding/base64"
	"encoding/json"

	g "maragu.dev/gomponents"
)

// flash is a message for the next page. It holds a key, never a text: a forged
// cookie cannot make pages say something else.
type flash struct {
	State State  `json:"s"`
	Key   string `json:"k"`
	Pairs []any  `json:"p,omitempty"`
}

// Flash says on the next page what happened: a key and its values.
func (v *View) Flash(state State, key string, pairs ...any) {
	text, err := json.Marshal(flash{State: state, Key: key, Pairs: pairs})
	if err != nil {
		return
	}
	v.kit.cookie(v.writer, "_flash", base64.RawURLEncoding.EncodeToString(text), 60)
}

// takeFlash gives the message left by the page before, once.
func (v *View) takeFlash() g.Node {
	cookie, err := v.Request.Cookie(v.kit.cookieName("_flash"))
	if err != nil || v.Live() {
		return nil
	}
	v.kit.cookie(v.writer, "_flash", "", 0)
	text, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	var f flash
	if err != nil || json.Unmarshal(text, &f) != nil || !v.Has(f.Key) {
		return nil
	}
	return Notice(f.State, v.T(f.Key, whole(f.Pairs)...))
}

// whole turns JSON's floating numbers back into the integers they were.
func whole(pairs []any) []any {
	for i, value := range pairs {
		if n, ok := value.(float64); ok {
			pairs[i] = int(n)
		}
	}
	return pairs
}
