package ui

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// IconName names a drawing of the sprite; web/icons.txt lists the same names.
type IconName string

// The icons in use.
const (
	IconAlert      IconName = "triangle-alert"
	IconArrowRight IconName = "arrow-right"
	IconBuilding   IconName = "building-2"
	IconCalendar   IconName = "calendar-days"
	IconCheck      IconName = "circle-check"
	IconChevron    IconName = "chevron-right"
	IconCopy       IconName = "copy"
	IconDone       IconName = "check"
	IconDoor       IconName = "door-open"
	IconDots       IconName = "ellipsis"
	IconDownload   IconName = "download"
	IconError      IconName = "circle-x"
	IconExternal   IconName = "external-link"
	IconEye        IconName = "eye"
	IconEyeOff     IconName = "eye-off"
	IconHelp       IconName = "circle-question-mark"
	IconHistory    IconName = "history"
	IconInfo       IconName = "info"
	IconKey        IconName = "key-round"
	IconLanguages  IconName = "languages"
	IconLink       IconName = "link"
	IconLock       IconName = "lock"
	IconMail       IconName = "mail"
	IconMenu       IconName = "menu"
	IconMinus      IconName = "circle-minus"
	IconOff        IconName = "circle"
	IconPlus       IconName = "plus"
	IconRefresh    IconName = "refresh-cw"
	IconRunning    IconName = "loader-circle"
	IconSearch     IconName = "search"
	IconServer     IconName = "server"
	IconSettings   IconName = "settings"
	IconShield     IconName = "shield-check"
	IconSignOut    IconName = "log-out"
	IconUnlink     IconName = "unlink"
	IconUpload     IconName = "upload"
	IconUser       IconName = "user"
	IconUserPlus   IconName = "user-plus"
	IconUsers      IconName = "users"
	IconWaiting    IconName = "clock"
)

// sprite is the one asset with a stable name, so that a component needs no view.
const sprite = "/assets/icons.svg"

// Icon draws an icon beside a word that says the same.
func Icon(name IconName) g.Node {
	return h.SVG(h.Class("icon"), g.Attr("aria-hidden", "true"), g.Attr("width", "16"), g.Attr("height", "16"),
		g.El("use", h.Href(sprite+"#"+string(name))))
}
