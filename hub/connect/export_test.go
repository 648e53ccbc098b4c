package connect

import "time"

// SetPreviewTime has previews over the API end sooner.
func (s *Service) SetPreviewTime(d time.Duration) { s.previewTime = d }

// SetProbePatience has a second account go sooner beside a first that takes long.
func (s *Service) SetProbePatience(d time.Duration) { s.probePatience = d }
