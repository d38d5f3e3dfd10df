/** Number of a check; see instrument.ts. */
export type SiteId = number

/** What instrumented files look at. */
declare global {
  /** The check that is switched off. */
  var disabledSite: SiteId | undefined
  /** Where someone wants to know, the checks that were reached. */
  var reachedSites: Set<SiteId> | undefined
}
