import type { Offer } from '@cocoon/protocol'
import { type NodeSettings, offerOf, type Settings } from './config.ts'
import { settingNames } from './settings.ts'

/** What came of reading the settings again. */
export interface Reload {
  /** Models whose price is another one now. */
  readonly repriced: readonly string[]
  /** Settings that changed too, and wait for a restart. */
  readonly waiting: readonly string[]
}

const prices = ['price-prompt', 'price-cached', 'price-completion', 'price-reasoning'] as const

/**
 * The offers under new settings, as far as they can change while a node runs: prices can. Jobs that came under an earlier
 * statement keep its price.
 */
export function reoffer(
  before: NodeSettings,
  after: NodeSettings,
  offers: readonly Offer[],
): { readonly offers: readonly Offer[]; readonly report: Reload } {
  const known = new Map(after.models.map((settings) => [settings.model, settings]))
  const repriced: string[] = []
  const changed = offers.map((offer) => {
    const settings = known.get(offer.model)
    if (!settings) return offer
    const next = offerOf(settings, offer)
    if (JSON.stringify(texts(next)) === JSON.stringify(texts(offer))) return offer
    repriced.push(offer.model)
    return next
  })
  return { offers: changed, report: { repriced, waiting: waitingFor(before, after) } }
}

function texts({ price }: Offer): string[] {
  return [price.prompt, price.cached, price.completion, price.reasoning].map(String)
}

function waitingFor(before: NodeSettings, after: NodeSettings): string[] {
  const names = (settings: NodeSettings): string => settings.models.map(({ model }) => model).join()
  if (names(before) !== names(after)) return ['models']
  const differing = before.models.flatMap((settings, index) => differences(settings, after.models[index]))
  return [...new Set([...differences(before, after), ...differing])]
}

function differences(one: Settings, other: Settings | undefined): string[] {
  return settingNames.filter((name) => {
    if (prices.some((price) => price === name)) return false
    return JSON.stringify(one[name], exact) !== JSON.stringify(other?.[name], exact)
  })
}

function exact(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
