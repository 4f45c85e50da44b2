// The real supabase-js, as a frontend has it.
import { load } from './packages.mjs';

const { createClient } = load('@supabase/supabase-js');
const { WebSocket } = load('ws');

// A client of somebody with this token, or of nobody.
export function client(url, key, token) {
  return createClient(url, key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: token ? { headers: { Authorization: `Bearer ${token}` } } : {},
    // Node before 22 has none of its own.
    realtime: { transport: WebSocket },
  });
}
