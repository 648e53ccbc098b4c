package smartcalendar_test

import (
	"testing"

	"kalends/smartcalendar"
)

// Two companies may be in one calendar system with the same service account:
// each is connected by itself, and one that ends takes nothing from the other.
func TestTwoCompaniesWithOneServiceAccount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		first := h.lives("Ben").company
		sister, err := h.app.CreateCompany(t.Context(), "Schwesterwerk", "musterwerk.example", []smartcalendar.Feature{smartcalendar.SmartCalendar})
		must(t, err)
		h.company = sister
		h.add(append(h.known("Cleo"), smartcalendar.NewPerson{
			Name: "Ines", Email: "ines@musterwerk.example", Role: smartcalendar.RoleAdministrator, Password: password,
		})...)
		ada := h.browser
		h.browser = newVisitor(t, h.appServer.URL)
		h.browser.signIn(t, "ines@musterwerk.example")
		h.connect()
		h.finished()
		h.becomes("cleo@musterwerk.example", "connected")
		if n := h.count("(SELECT DISTINCT organisation_id FROM sc_calendars WHERE status = 'connected') AS own"); n != 2 {
			t.Fatalf("two companies have %d organisations", n)
		}

		ada.post(t, "/settings/calendar/disconnect", "confirm", "Musterwerk")
		h.ended()
		if n := h.count("sc_calendars WHERE company_id = $1 AND status = 'ended'", first); n != 1 {
			t.Error("the first company is not disconnected")
		}
		if n := h.count("connections WHERE status = 'connected'"); n != 1 {
			t.Errorf("%d connections live at the hub", n)
		}
		h.browser.post(t, "/settings/calendar/resync")
		h.finished()
		h.becomes("cleo@musterwerk.example", "connected")
	})
}
