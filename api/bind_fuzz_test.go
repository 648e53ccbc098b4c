package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// FuzzBind: whatever comes is bound or refused, and its readers never panic.
func FuzzBind(f *testing.F) {
	for _, body := range []string{`{"email":"a@b","state":null}`, `[]`, `{"a":[1,{"b":"\"[["}]}`, "a[]=1&a[]=2&b=%zz", "null", `{"n":1e999}`, strings.Repeat("[", 40)} {
		f.Add("application/json", body, "a[]=1&flag=True")
		f.Add("application/x-www-form-urlencoded", body, "")
	}
	f.Fuzz(func(t *testing.T, kind, body, query string) {
		r := httptest.NewRequest(http.MethodDelete, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		r.URL.RawQuery = query
		form, err := bind(httptest.NewRecorder(), r)
		var wrong *fieldErrors
		if err != nil {
			if !errors.As(err, &wrong) || form != nil {
				t.Fatalf("unexpected %v", err)
			}
			return
		}
		for name, value := range form.values {
			if value == nil {
				t.Fatalf("%q is null, not absent", name)
			}
			form.text(name)
			form.texts(name)
			form.scope(name)
			form.flag(name)
			form.number(name)
			form.moment(name, time.UTC)
			form.zone(name)
		}
		_, _, _ = (&call{form: form}).authorizations()
	})
}
