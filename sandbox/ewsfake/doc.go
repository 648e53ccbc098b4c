// Package ewsfake is a simulated Microsoft Exchange over the company of package
// sandbox: Exchange Web Services and Autodiscover (POX), as strict as the
// vendor about element order, versions, mandatory attributes and rights.
//
// Called by the command sandbox and by tests. It must not know the vocabulary
// of Kalends, nor package provider/ews: what it accepts is decided by
// Microsoft's schema and documentation.
package ewsfake
