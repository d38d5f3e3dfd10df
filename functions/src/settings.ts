import { CocoonError, modelId, networks, type NetworkName } from '@cocoon/protocol'
import * as v from 'valibot'

const count = v.pipe(v.string(), v.regex(/^\d{1,6}$/, 'a whole number'), v.transform(Number))

/** One model this broker carries, in its own words. */
const Model = v.strictObject({ id: modelId, name: v.string(), about: v.string() })

/** An address without a slash at its end; empty: there is none. */
const place = v.pipe(
  v.optional(v.string(), ''),
  v.transform((text) => text.replace(/\/+$/, '') || null),
  v.nullable(
    v.pipe(
      v.string(),
      v.check((text) => URL.canParse(text), 'an address'),
    ),
  ),
)

const Settings = v.object({
  /** TON network; only `localnet` accepts nodes that are not attested. */
  NETWORK: v.picklist(Object.keys(networks) as NetworkName[]),
  /** Continent codes with a matcher of their own, comma separated; people and nodes elsewhere use the first. */
  REGIONS: v.pipe(
    v.string(),
    v.transform((text) => text.split(',').map((region) => region.trim())),
    v.array(v.pipe(v.string(), v.regex(/^[A-Za-z]{2,8}$/))),
    v.minLength(1),
  ),
  MODELS: v.pipe(v.string(), v.parseJson(), v.array(Model)),
  /** Free questions of each Telegram user in 30 days. */
  TRIAL_QUESTIONS: count,
  /** The same for users who signed in with a bare key. Keys cost nothing, so anything but 0 is for development. */
  TRIAL_FOR_KEYS: count,
  /** Where the owners publish registry statement and stamp, one file. Without it no attested node is admitted. */
  REGISTRY_SOURCE: place,
  /** Stands in for the services of Intel and AMD, each under `/<host>`. Without it they are asked themselves. */
  ENDORSEMENT_SOURCE: place,
  /** toncenter's API, such as `https://toncenter.com`: what the Registry there announces has to be what is carried. */
  CHAIN_API: place,
  /** Of the Registry contract, raw or friendly. */
  REGISTRY_ADDRESS: v.pipe(
    v.optional(v.string(), ''),
    v.transform((text) => text || null),
    v.nullable(v.pipe(v.string(), v.regex(/^(0:[0-9a-fA-F]{64}|[\w-]{48})$/))),
  ),
  /** Signs sessions and leases. Secret. */
  SESSION_SECRET: v.pipe(v.string(), v.minLength(32, '32 characters or more')),
  /** The Telegram bot that opens the Mini App. Secret. */
  BOT_TOKEN: v.pipe(v.string(), v.regex(/^\d+:[\w-]{30,}$/, 'a token as @BotFather gives it')),
})
export type Settings = v.InferOutput<typeof Settings>

const howToSet: Record<keyof Settings, string> = {
  NETWORK: 'set it under [vars] in wrangler.toml',
  REGIONS: 'set it under [vars] in wrangler.toml',
  MODELS: 'set it under [vars] in wrangler.toml',
  TRIAL_QUESTIONS: 'set it under [vars] in wrangler.toml',
  TRIAL_FOR_KEYS: 'set it under [vars] in wrangler.toml',
  REGISTRY_SOURCE: 'set it under [vars] in wrangler.toml',
  ENDORSEMENT_SOURCE: 'set it under [vars] in wrangler.toml',
  CHAIN_API: 'set it under [vars] in wrangler.toml',
  REGISTRY_ADDRESS: 'set it under [vars] in wrangler.toml',
  SESSION_SECRET: 'run: openssl rand -hex 32 | npm exec -c "wrangler secret put SESSION_SECRET"',
  BOT_TOKEN: 'ask @BotFather, then run: npm exec -c "wrangler secret put BOT_TOKEN"',
}

const parsed = new WeakMap<object, Settings>()

/**
 * Parses the environment once per isolate. A wrong value names itself and says how to set it; the value is not shown.
 * @throws CocoonError `broker-fault`
 */
export function settingsOf(env: object): Settings {
  const known = parsed.get(env)
  if (known) return known
  const result = v.safeParse(Settings, env)
  if (!result.success) {
    const key = (v.getDotPath(result.issues[0])?.split('.')[0] ?? 'NETWORK') as keyof Settings
    throw new CocoonError('broker-fault', `setting ${key} is missing or wrong: ${howToSet[key]}`)
  }
  parsed.set(env, result.output)
  return result.output
}

/** The region whose matcher serves this continent, and the others to ask when it has nobody. */
export function regionsFor(settings: Settings, continent: string | undefined): string[] {
  return regionsFrom(
    settings,
    settings.REGIONS.find((region) => region === continent) ?? settings.REGIONS[0] ?? 'world',
  )
}

/** This region, then the others. */
export function regionsFrom(settings: Settings, own: string): string[] {
  return [own, ...settings.REGIONS.filter((region) => region !== own)]
}
