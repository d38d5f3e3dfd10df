import { useState, useSyncExternalStore } from 'react'
import { asJson, handOver } from './export.ts'
import { Icon, type IconName } from './icon.tsx'
import { Group, Page } from './page.tsx'
import type { PageProps } from './pages.tsx'
import { goTo } from './place.ts'
import { forgetPreferences, type Preferences, readPreferences, writePreferences } from './preferences.ts'
import { Sheet } from './sheet.tsx'
import { shortened } from './summary.ts'
import { languageOf, speak, words } from './words/words.ts'
import { version } from '../package.json'

const none = () => () => {}
const SHOWN = 60

export function SettingsPage({ chat, state, telegram }: PageProps) {
  const { history } = chat
  const instructions = useSyncExternalStore(history?.subscribe ?? none, history?.instructions ?? (() => ''))
  const [preferences, setPreferences] = useState(readPreferences)
  const [wiping, setWiping] = useState<'asks' | 'failed' | 'done' | null>(null)
  const { settings } = words
  const change = (some: Partial<Preferences>) => setPreferences(writePreferences(some))

  const exportAll = async () => {
    const summaries = history?.summaries() ?? []
    const all = await Promise.all(summaries.map(async (one) => [one, (await history?.turns(one.id)) ?? []] as const))
    await handOver('cocoon.json', asJson(all))
  }
  const wipe = async () => {
    try {
      await chat.wipe()
      forgetPreferences()
      telegram.touch('success')
      setWiping('done')
    } catch {
      telegram.touch('failure')
      setWiping('failed')
    }
  }

  return (
    <Page title={settings.title} telegram={telegram}>
      <fieldset className="group plain-set">
        <legend>{settings.language}</legend>
        <div className="card">
          {(['auto', 'en', 'ru'] as const).map((language) => (
            <label key={language} className="row choice">
              <span className="row-main">{settings.languages[language]}</span>
              <input
                type="radio"
                name="language"
                checked={preferences.language === language}
                onChange={() => {
                  telegram.touch('choose')
                  change({ language })
                  void speak(language === 'auto' ? languageOf(telegram.language ?? navigator.language) : language)
                }}
              />
              <Icon name="check" />
            </label>
          ))}
        </div>
      </fieldset>
      <Group title={settings.answers}>
        <Row
          icon="prompts"
          title={settings.instructions}
          note={instructions === '' ? settings.instructionsNone : shortened(instructions, SHOWN)}
          onPress={() => goTo('instructions')}
        />
      </Group>
      {(telegram.addToHomeScreen || telegram.setFullscreen) && (
        <Group title={settings.app}>
          {telegram.addToHomeScreen && (
            <Row icon="plus" title={settings.home} onPress={() => telegram.addToHomeScreen?.()} />
          )}
          {telegram.setFullscreen && (
            <div className="row">
              <span className="row-main">{settings.fullscreen}</span>
              <button
                type="button"
                className="switch"
                role="switch"
                aria-checked={preferences.fullscreen}
                aria-label={settings.fullscreen}
                onClick={() => {
                  const fullscreen = !preferences.fullscreen
                  change({ fullscreen })
                  telegram.setFullscreen?.(fullscreen)
                }}
              />
            </div>
          )}
        </Group>
      )}
      <Group
        title={settings.privacy}
        {...(state.memory === 'kept' && !state.guarded ? { foot: settings.keyWarning } : {})}
      >
        <Row icon="eye" title={settings.brokerSees} onPress={() => goTo('privacy')} />
        <Fact
          title={settings.key}
          text={state.memory !== 'kept' ? settings.keyNone : state.guarded ? settings.keyGuarded : settings.keyDevice}
        />
        <Fact title={settings.broker} text={location.host} />
      </Group>
      <Group title={settings.data}>
        <Row icon="save" title={settings.exportAll} onPress={() => void exportAll()} />
        <Row icon="bin" title={settings.wipe} danger onPress={() => setWiping('asks')} />
      </Group>
      <Group title={settings.about}>
        <Row icon="contract" title={settings.terms} onPress={() => goTo('terms')} />
        <Fact title={settings.version} text={version} />
      </Group>
      {wiping && (
        <Sheet
          title={wiping === 'done' ? settings.wiped : settings.wipeTitle}
          telegram={telegram}
          onClose={() => setWiping(null)}
        >
          <div className="stack">
            {wiping === 'done' ? (
              <button type="button" className="button" onClick={() => setWiping(null)}>
                {words.done}
              </button>
            ) : (
              <>
                <p className="hint">{settings.wipeText}</p>
                {wiping === 'failed' && (
                  <p className="danger note" role="alert">
                    {words.chats.failed}
                  </p>
                )}
                <button type="button" className="button danger" onClick={() => void wipe()}>
                  {settings.wipe}
                </button>
                <button type="button" className="button plain" onClick={() => setWiping(null)}>
                  {words.cancel}
                </button>
              </>
            )}
          </div>
        </Sheet>
      )}
    </Page>
  )
}

function Row({
  icon,
  title,
  note,
  danger = false,
  onPress,
}: {
  readonly icon: IconName
  readonly title: string
  readonly note?: string
  readonly danger?: boolean
  readonly onPress: () => void
}) {
  return (
    <button type="button" className={danger ? 'row indent danger' : 'row indent'} onClick={onPress}>
      <Icon name={icon} />
      <span className="row-main">
        {title}
        {note !== undefined && (
          <span className="one-line" dir="auto">
            {note}
          </span>
        )}
      </span>
      {!danger && (
        <svg className="icon chevron" aria-hidden="true">
          <use href="#next" />
        </svg>
      )}
    </button>
  )
}

function Fact({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <dl className="row fact">
      <dt className="row-main">{title}</dt>
      <dd className="row-end">{text}</dd>
    </dl>
  )
}
