import './look/look.css'
import type { NetworkName } from '@cocoon/protocol'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { Chat } from './chat.ts'
import { openHistory } from './history.ts'
import { watchKeyboard } from './keyboard.ts'
import { personOf } from './person.ts'
import { readPreferences } from './preferences.ts'
import { startTelegram } from './telegram.ts'
import { applyTheme, themeOf } from './theme.ts'
import { watchUpdates } from './update.tsx'
import { languageOf, speak } from './words/words.ts'

/** Built in, like the client's (cocoon.ts). */
declare const __NETWORK__: NetworkName

const telegram = startTelegram()
const dress = () => {
  const theme = themeOf(telegram.theme(), matchMedia('(prefers-color-scheme: dark)').matches)
  applyTheme(theme)
  telegram.paint(theme.tokens.ground)
}
dress()
telegram.onTheme(dress)
watchKeyboard()
watchUpdates()

const preferences = readPreferences()
if (preferences.fullscreen) telegram.setFullscreen?.(true)
const chosen =
  preferences.language === 'auto' ? languageOf(telegram.language ?? navigator.language) : preferences.language

// The client, with its sealing and signing, arrives after the first paint.
const connect = async () => {
  const { createAsking } = await import('./cocoon.ts')
  return createAsking(telegram.initData)
}
const history = openHistory(personOf(telegram.initData), telegram.secrets)
const chat = new Chat(connect, __NETWORK__ === 'localnet', history)
chat.setOnline(navigator.onLine)
window.addEventListener('online', () => chat.setOnline(true))
window.addEventListener('offline', () => chat.setOnline(false))
// A hidden page may never be heard of again: phones end it without a word.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') void chat.flush()
  else chat.wake()
})
window.addEventListener('pagehide', () => void chat.flush())

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
const app = (
  <StrictMode>
    <App chat={chat} telegram={telegram} />
  </StrictMode>
)
// The first words that are read are already the right ones.
await speak(chosen)
createRoot(root).render(app)
setTimeout(() => void chat.open())
