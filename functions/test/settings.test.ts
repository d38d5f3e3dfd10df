import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { app } from '../src/app.ts'
import { regionsFor, settingsOf } from '../src/settings.ts'

/** What the deployer is told. */
function complaint(changes: Record<string, unknown>): string {
  try {
    settingsOf({ ...env, ...changes })
  } catch (error) {
    return (error as Error).message
  }
  return 'none'
}

describe('the settings', () => {
  it('are read from the environment', () => {
    const settings = settingsOf(env)
    expect(settings).toMatchObject({
      NETWORK: 'localnet',
      REGIONS: ['world'],
      TRIAL_QUESTIONS: 10,
      TRIAL_FOR_KEYS: 100,
    })
    expect(settings.MODELS.map(({ id }) => id)).toEqual(['cocoon-demo'])
    // Once, not for each request.
    expect(settingsOf(env)).toBe(settings)
  })

  it.each([
    ['NETWORK', 'moonnet'],
    ['REGIONS', 'EU;NA'],
    ['REGIONS', ''],
    ['MODELS', 'not json: hush'],
    ['MODELS', '[{"id":"Upper","name":"hush","about":""}]'],
    ['MODELS', '[{"id":"demo"}]'],
    ['TRIAL_QUESTIONS', '-1'],
    ['TRIAL_QUESTIONS', '1e3'],
    ['TRIAL_FOR_KEYS', ''],
    ['SESSION_SECRET', 'hush, too short'],
    ['SESSION_SECRET', undefined],
    ['BOT_TOKEN', 'hush'],
    ['BOT_TOKEN', undefined],
  ])('name %s when it is wrong, say how to set it, and do not show %j', (name, value) => {
    const said = complaint({ [name]: value })
    expect(said).toMatch(new RegExp(`^setting ${name} is missing or wrong: (set it|run:|ask @BotFather)`))
    if (value) expect(said).not.toContain(value)
    expect(said).not.toContain('hush')
  })

  it('that are wrong are a fault of the broker, told to whoever asks', async () => {
    const response = await app.request('/api/models', {}, { ...env, SESSION_SECRET: 'hush' } as Env)
    expect(response.status).toBe(500)
    const text = await response.text()
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'broker-fault' } })
    expect(text).not.toContain('hush')
  })

  it('send people to the matcher of their continent, or to the first', () => {
    const settings = settingsOf({ ...env, REGIONS: 'EU, NA,AS' })
    expect(regionsFor(settings, 'NA')).toEqual(['NA', 'EU', 'AS'])
    expect(regionsFor(settings, 'AF')).toEqual(['EU', 'NA', 'AS'])
    expect(regionsFor(settings, undefined)).toEqual(['EU', 'NA', 'AS'])
  })
})
