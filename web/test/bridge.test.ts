import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startTelegram } from '../src/telegram.ts'
import './stage.tsx'

type Sent = [name: string, data: Record<string, unknown> | null]
let sent: Sent[]
const world = window as unknown as {
  TelegramWebviewProxy?: { postEvent(name: string, data: string): void }
  Telegram?: { WebView: { receiveEvent(name: string, data?: object): void } }
}
const receive = (name: string, data: object = {}) => world.Telegram?.WebView.receiveEvent(name, data)
const names = () => sent.map(([name]) => name)
const data = (name: string) => sent.findLast(([one]) => one === name)?.[1]

/** Telegram on an Android phone, version 9.6. */
function opened(
  more: Record<string, string> = {},
  answer: (name: string, data: Record<string, unknown>) => void = () => {},
) {
  sent = []
  world.TelegramWebviewProxy = {
    postEvent(name, text) {
      const content = JSON.parse(text) as Record<string, unknown> | null
      sent.push([name, content])
      answer(name, content ?? {})
    },
  }
  const user = JSON.stringify({ id: 7, language_code: 'ru' })
  location.hash = new URLSearchParams({
    tgWebAppData: new URLSearchParams({ user }).toString(),
    tgWebAppVersion: '9.6',
    tgWebAppPlatform: 'android',
    ...more,
  }).toString()
  return startTelegram()
}

beforeEach(() => sessionStorage.clear())
afterEach(() => {
  delete world.TelegramWebviewProxy
  location.hash = ''
})

describe('inside Telegram', () => {
  test('the app says that it is ready, and takes the whole height', () => {
    opened()
    expect(names()).toEqual(expect.arrayContaining(['web_app_ready', 'web_app_expand', 'web_app_setup_swipe_behavior']))
  })

  test('the person’s language and a well-formed start parameter are known', () => {
    expect(opened({ tgWebAppStartParam: 'do_translate' })).toMatchObject({ language: 'ru', start: 'do_translate' })
    expect(opened({ tgWebAppStartParam: 'a b&<c>' }).start).toBeNull()
    expect(opened({ tgWebAppStartParam: 'x'.repeat(513) }).start).toBeNull()
  })

  test('what was launched is remembered over a reload without it', () => {
    opened({ tgWebAppStartParam: 'new' })
    location.hash = ''
    expect(startTelegram()).toMatchObject({ inside: true, platform: 'android', start: 'new' })
  })

  test('Back reaches whoever asked last, and is there only while someone did', () => {
    const telegram = opened()
    const [page, sheet] = [vi.fn<() => void>(), vi.fn<() => void>()]
    const leavePage = telegram.onBack(page)
    const leaveSheet = telegram.onBack(sheet)
    receive('back_button_pressed')
    leaveSheet()
    receive('back_button_pressed')
    expect([page.mock.calls.length, sheet.mock.calls.length]).toEqual([1, 1])
    leavePage()
    expect(data('web_app_setup_back_button')).toEqual({ is_visible: false })
  })

  test('the large button, the settings entry, closing and colours are Telegram’s own', () => {
    const telegram = opened()
    const [saved, settings] = [vi.fn<() => void>(), vi.fn<() => void>()]
    const hide = telegram.mainButton('Save', saved)
    expect([telegram.hasMainButton, data('web_app_setup_main_button')]).toEqual([
      true,
      { is_visible: true, is_active: true, text: 'Save' },
    ])
    receive('main_button_pressed')
    hide()
    receive('main_button_pressed')
    expect(saved).toHaveBeenCalledOnce()
    telegram.onSettings(settings)
    receive('settings_button_pressed')
    expect(settings).toHaveBeenCalledOnce()
    telegram.confirmClosing(true)
    expect(data('web_app_setup_closing_behavior')).toEqual({ need_confirmation: true })
    telegram.addToHomeScreen?.()
    telegram.setFullscreen?.(true)
    expect(names().slice(-2)).toEqual(['web_app_add_to_home_screen', 'web_app_request_fullscreen'])
  })

  test('a new theme and new insets count at once', () => {
    const telegram = opened()
    const told = vi.fn<() => void>()
    telegram.onTheme(told)
    receive('theme_changed', { theme_params: { bg_color: '#112233' } })
    receive('content_safe_area_changed', { top: 46, right: 0, bottom: 0, left: 0 })
    expect([told.mock.calls.length, telegram.theme()]).toEqual([1, { bg_color: '#112233' }])
    expect(document.documentElement.style.getPropertyValue('--content-top')).toBe('46px')
  })

  test('an answer is shared by Telegram itself, as it is', () => {
    const text = 'Ask & you? #1 =\n«да»'
    expect(opened().share(text)).toBe(true)
    const path = String(data('web_app_open_tg_link')?.['path_full'])
    expect(new URL(path, 'https://t.me').searchParams.get('url')).toBe(text)
  })

  test('the keychain keeps and gives back; a refusal is an error', async () => {
    const kept = new Map<unknown, unknown>()
    let refuses = false
    const telegram = opened({}, (name, { req_id, key, value }) => {
      if (!name.startsWith('web_app_secure_storage')) return
      setTimeout(() => {
        if (refuses) return receive('secure_storage_failed', { req_id, error: 'UNSUPPORTED' })
        if (name.endsWith('save_key')) kept.set(key, value)
        receive(name.endsWith('save_key') ? 'secure_storage_key_saved' : 'secure_storage_key_received', {
          req_id,
          value: kept.get(key) ?? null,
        })
      })
    })
    expect(await telegram.secrets?.read('k')).toBeNull()
    await telegram.secrets?.write('k', 'v')
    expect(await Promise.all([telegram.secrets?.read('k'), telegram.secrets?.read('other')])).toEqual(['v', null])
    refuses = true
    await expect(telegram.secrets?.read('k')).rejects.toThrow('refused')
  })

  test('what other windows send is not believed', () => {
    const telegram = opened()
    const told = vi.fn<() => void>()
    telegram.onTheme(told)
    const message = JSON.stringify({ eventType: 'theme_changed', eventData: { theme_params: {} } })
    window.dispatchEvent(new MessageEvent('message', { data: message, source: null }))
    expect(told).not.toHaveBeenCalled()
  })
})
