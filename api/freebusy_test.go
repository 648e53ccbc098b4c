package api_test

import (
	"strings"
	"testing"

	"kalends/cronofy"
)

// What would change the answer and is not there yet is refused, not overlooked: a
// caller who follows changes would take everything for one.
func TestErrFreeBusyRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(1)
	company, _ := h.connect(h.client)
	callback := h.receiver.url + "/callback?changes"
	h.must(company.AuthorizeAccounts(t.Context(), []cronofy.Authorize{{Email: people[0], CallbackURL: callback, Scope: "free_busy"}}))
	person, err := h.client.ExchangeCode(t.Context(), h.receiver.wait(t, callback).Code, callback, "")
	h.must(err)
	for query, field := range map[string]string{
		"last_modified=2027-01-01T00:00:00Z": "last_modified", "last_modified=yesterday": "last_modified",
		"include_deleted=true": "include_deleted", "include_deleted=True": "include_deleted", "include_deleted=perhaps": "include_deleted",
		"include_deleted=false": "", "include_deleted=": "", "last_modified=": "", "include_managed=true": "",
	} {
		response, body := h.send(raw{"GET", "/v1/free_busy?tzid=Etc/UTC&" + query, "", bearer(person.AccessToken)})
		want := 200
		if field != "" {
			want = 422
		}
		if response.StatusCode != want || field != "" && !strings.Contains(body, `"`+field+`":[{"key":"errors.`) {
			t.Errorf("%s: %d %s", query, response.StatusCode, body)
		}
	}
}
