import { lazy, Suspense, useEffect, useSyncExternalStore } from 'react'
import { Boundary } from './boundary.tsx'
import type { Chat } from './chat.ts'
import { Home } from './home.tsx'
import { Sprite } from './icon.tsx'
import { goBack, goTo, usePlace, watchPlace } from './place.ts'
import { withPreset } from './presets.ts'
import { modelOf, startOnce } from './start.ts'
import type { Telegram } from './telegram.ts'
import { UpdateNotice } from './update.tsx'
import { language, onLanguage } from './words/words.ts'

const loadPages = () => import('./pages.tsx')
const Pages = lazy(async () => ({ default: (await loadPages()).Pages }))

/** The chat, and the pages that stand before it. */
export function App({ chat, telegram }: { readonly chat: Chat; readonly telegram: Telegram }) {
  const state = useSyncExternalStore(chat.subscribe, chat.state)
  const spoken = useSyncExternalStore(onLanguage, language)
  const place = usePlace()
  useStart(chat, telegram, state.models !== null && state.memory !== 'opening')

  useEffect(() => {
    if (place === 'home') return undefined
    return telegram.onBack(goBack)
  }, [telegram, place])
  useEffect(() => watchPlace(), [])
  useEffect(() => telegram.onSettings(() => goTo('settings')), [telegram])
  // They are small, and a person may be offline by the time they are wanted.
  useEffect(() => {
    const idle = setTimeout(() => void loadPages().catch(() => undefined), 2000)
    return () => clearTimeout(idle)
  }, [])

  const page = place === 'home' ? null : place
  return (
    // Another language draws everything anew.
    <Boundary key={spoken}>
      <Sprite />
      <UpdateNotice />
      <Home chat={chat} state={state} telegram={telegram} away={page !== null} />
      {page && (
        <Boundary page key={page}>
          <Suspense fallback={<div className="page" aria-busy="true" />}>
            <Pages place={page} chat={chat} state={state} telegram={telegram} />
          </Suspense>
        </Boundary>
      )}
    </Boundary>
  )
}

/** Does once what the link asked for, as soon as it can be done. */
function useStart(chat: Chat, telegram: Telegram, ready: boolean): void {
  useEffect(() => {
    const start = ready ? startOnce(telegram.start) : null
    if (!start) return
    if (start.do === 'open') goTo(start.place)
    else if (start.do === 'new') chat.startOver()
    else if (start.do === 'model') {
      const model = modelOf(chat.state().models ?? [], start.handle)
      if (model) chat.choose(model.id)
    } else {
      chat.startOver()
      chat.write(withPreset(start.name, chat.state().draft))
    }
  }, [chat, telegram, ready])
}
