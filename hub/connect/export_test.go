package connect

import "time"

// SetPreviewTime has previews over the API end sooner.
func (s *Service) SetPreviewTime(d time.Duration) { s.previewTime = d }
