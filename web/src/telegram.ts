// The one file that knows Telegram's events. The app is the same app in a plain browser.
import { listen, openBridge, post as postTo, request } from './bridge.ts'
import type { Secrets } from './master-key.ts'
import type { ThemeParams } from './theme.ts'

export type Touch = 'send' | 'choose' | 'failure' | 'success'

/** What the app was opened for, out of a link: a handle, never a secret. */
const START = /^[\w-]{1,512}$/
/** The phone's keychain answers at once, or not at all. Milliseconds. */
const SECRETS_PATIENCE = 3000

/** What the screens want of Telegram. */
export interface Telegram {
  /** Opened from Telegram: launch parameters were there. */
  readonly inside: boolean
  /** Telegram draws buttons of its own around the app: Back, and the large one. */
  readonly drawsButtons: boolean
  readonly platform: string
  /** Signed by Telegram, for sign-in only: never logged, never in a URL of ours. */
  readonly initData: string | undefined
  /** As Telegram says it, such as `ru`; null elsewhere. */
  readonly language: string | null
  /** The link's start parameter, if it is well formed. */
  readonly start: string | null
  /** The phone's keychain; null where Telegram offers none. */
  readonly secrets: Secrets | null
  theme(): ThemeParams
  /** Also when the system turns dark or light and Telegram says nothing. */
  onTheme(listener: () => void): () => void
  /** Colours of Telegram's own bars above and below the app. */
  paint(ground: string): void
  touch(kind: Touch): void
  /** Shows Telegram's BackButton while `listener` is set. */
  onBack(listener: () => void): () => void
  /** Called when Settings is chosen in Telegram's own menu. */
  onSettings(listener: () => void): () => void
  /** Telegram's large button below the app, until it is taken back. */
  readonly hasMainButton: boolean
  mainButton(text: string, listener: () => void): () => void
  /** Whether closing the app asks first. */
  confirmClosing(needed: boolean): void
  /** Puts an icon on the phone's home screen; null where that is not possible. */
  readonly addToHomeScreen: (() => void) | null
  /** Null where it is not possible. */
  readonly setFullscreen: ((full: boolean) => void) | null
  /** Hands a text to Telegram's own "send to" screen. Says whether there is one. */
  share(text: string): boolean
  openLink(url: string): void
  close(this: void): void
}

const sides = ['top', 'right', 'bottom', 'left'] as const

export function startTelegram(): Telegram {
  const params = launchParams()
  const inside = isLaunch(params)
  const post = (name: string, data?: object): boolean => inside && postTo(name, data)
  const platform = params.get('tgWebAppPlatform') ?? 'browser'
  const start = params.get('tgWebAppStartParam') ?? ''
  const settingsListeners = new Set<() => void>()
  let pressed: (() => void) | null = null
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const themeListeners = new Set<() => void>()
  const backListeners = new Set<() => void>()
  let theme = parsedTheme(params.get('tgWebAppThemeParams'))
  const themed = () => themeListeners.forEach((listener) => listener())

  if (inside) {
    openBridge()
    listen('theme_changed', ({ theme_params: changed }) => {
      theme = typeof changed === 'object' && changed !== null ? (changed as ThemeParams) : {}
      themed()
    })
    // The page reads the sum of both: what the phone covers, and what Telegram's own buttons cover.
    listen('safe_area_changed', (insets) => setInsets('safe', insets))
    listen('content_safe_area_changed', (insets) => setInsets('content', insets))
    listen('back_button_pressed', () => [...backListeners].at(-1)?.())
    listen('main_button_pressed', () => pressed?.())
    listen('settings_button_pressed', () => settingsListeners.forEach((listener) => listener()))
    // Web clients reload a Mini App only after this, and on this event.
    post('iframe_ready', { reload_supported: true })
    listen('reload_iframe', () => {
      post('iframe_will_reload')
      location.reload()
    })
    post('web_app_ready')
    post('web_app_expand')
    post('web_app_setup_swipe_behavior', { allow_vertical_swipe: false })
    post('web_app_request_safe_area')
    post('web_app_request_content_safe_area')
    post('web_app_request_theme')
  }
  dark.addEventListener('change', themed)

  const drawsButtons = post('web_app_request_viewport')
  return {
    inside,
    drawsButtons,
    platform,
    language: languageOf(params.get('tgWebAppData')),
    start: START.test(start) ? start : null,
    secrets: inside && isNewer(params, 9, 0) && hasKeychain.test(platform) ? keychain() : null,
    initData: params.get('tgWebAppData') ?? undefined,
    theme: () => theme,
    onTheme(listener) {
      themeListeners.add(listener)
      return () => themeListeners.delete(listener)
    },
    paint(ground) {
      if (!isColour(ground)) return
      // By name: old clients know no other way, and `ground` is that colour.
      post('web_app_set_header_color', { color_key: 'bg_color' })
      post('web_app_set_background_color', { color: ground })
      post('web_app_set_bottom_bar_color', { color: ground })
    },
    touch(kind) {
      if (kind === 'choose') post('web_app_trigger_haptic_feedback', { type: 'selection_change' })
      else if (kind === 'failure' || kind === 'success') {
        const notification = {
          type: 'notification',
          notification_type: kind === 'failure' ? 'error' : 'success',
        } as const
        post('web_app_trigger_haptic_feedback', notification)
      } else post('web_app_trigger_haptic_feedback', { type: 'impact', impact_style: 'soft' })
    },
    onBack(listener) {
      backListeners.add(listener)
      post('web_app_setup_back_button', { is_visible: true })
      return () => {
        backListeners.delete(listener)
        if (backListeners.size === 0) post('web_app_setup_back_button', { is_visible: false })
      }
    },
    onSettings(listener) {
      settingsListeners.add(listener)
      post('web_app_setup_settings_button', { is_visible: true })
      return () => settingsListeners.delete(listener)
    },
    hasMainButton: drawsButtons && drawsMainButton.test(platform),
    mainButton(text, listener) {
      pressed = listener
      post('web_app_setup_main_button', { is_visible: true, is_active: true, text })
      return () => {
        pressed = null
        post('web_app_setup_main_button', { is_visible: false })
      }
    },
    confirmClosing(needed) {
      post('web_app_setup_closing_behavior', { need_confirmation: needed })
    },
    addToHomeScreen:
      inside && isNewer(params, 8, 0) && /^(?:ios|android)/.test(platform)
        ? () => void post('web_app_add_to_home_screen')
        : null,
    setFullscreen:
      inside && isNewer(params, 8, 0) && /^(?:ios|android)/.test(platform)
        ? (full) => void post(full ? 'web_app_request_fullscreen' : 'web_app_exit_fullscreen')
        : null,
    share(text) {
      const query = new URLSearchParams({ url: text })
      return post('web_app_open_tg_link', { path_full: `/share/url?${query}` })
    },
    openLink(url) {
      const sent = post('web_app_open_link', { url })
      if (!sent) window.open(url, '_blank', 'noopener,noreferrer')
    },
    close() {
      if (!post('web_app_close')) location.reload()
    },
  }
}

const isLaunch = (params: URLSearchParams): boolean => [...params.keys()].some((key) => key.startsWith('tgWebApp'))

const LAUNCH = 'cocoon.launch'

/** Telegram puts them in the hash; they are remembered for a reload, and for addresses of our own. */
function launchParams(): URLSearchParams {
  const hash = location.hash.slice(1)
  let raw = isLaunch(new URLSearchParams(hash)) ? hash : ''
  guarded(() => {
    if (raw !== '') sessionStorage.setItem(LAUNCH, raw)
    else raw = sessionStorage.getItem(LAUNCH) ?? ''
  })
  return new URLSearchParams(raw)
}

function parsedTheme(text: string | null): ThemeParams {
  let theme: ThemeParams = {}
  guarded(() => {
    const parsed: unknown = JSON.parse(text ?? '{}')
    if (typeof parsed === 'object' && parsed !== null) theme = parsed as ThemeParams
  })
  return theme
}

/** Where Telegram keeps secrets in the system's keychain, and where it draws its large button. */
const hasKeychain = /^(?:ios|android|macos|tdesktop)/
const drawsMainButton = /^(?:ios|android|macos|tdesktop)/

function isNewer(params: URLSearchParams, major: number, minor: number): boolean {
  const [ours = 0, part = 0] = (params.get('tgWebAppVersion') ?? '').split('.').map(Number)
  return ours > major || (ours === major && part >= minor)
}

function languageOf(initData: string | null): string | null {
  let language: string | null = null
  guarded(() => {
    const user: unknown = JSON.parse(new URLSearchParams(initData ?? '').get('user') ?? 'null')
    const code = typeof user === 'object' && user !== null && 'language_code' in user ? user.language_code : null
    language = typeof code === 'string' ? code : null
  })
  return language
}

function keychain(): Secrets {
  const asked = async (name: string, data: object, answer: string): Promise<unknown> => {
    const content = await request(name, data, [answer, 'secure_storage_failed'], SECRETS_PATIENCE)
    if (content['error'] !== undefined) throw new Error('the keychain refused')
    return content['value']
  }
  return {
    async read(key) {
      const value = await asked('web_app_secure_storage_get_key', { key }, 'secure_storage_key_received')
      return typeof value === 'string' ? value : null
    },
    async write(key, value) {
      await asked('web_app_secure_storage_save_key', { key, value }, 'secure_storage_key_saved')
    },
  }
}

function setInsets(kind: 'safe' | 'content', insets: Readonly<Record<string, unknown>>): void {
  for (const side of sides) {
    const inset = Number(insets[side]) || 0
    document.documentElement.style.setProperty(`--${kind}-${side}`, `${inset}px`)
  }
}

const isColour = (text: string): text is `#${string}` => text.startsWith('#')

function guarded(step: () => unknown): boolean {
  try {
    step()
    return true
  } catch {
    return false
  }
}
