using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Recognises a trace that would merge to the same rule: same megaflows and connections in the same states, same port and header shape. Keyed,
/// 64 bits wide.
/// </summary>
internal static class TraceHash
{
    /// <summary>The hash, never 0.</summary>
    public static ulong Of(Trace trace)
    {
        Span<uint> words = stackalloc uint[8 + (2 * Trace.MaxPasses) + (4 * Trace.MaxEvents) + 16];
        ref FlowKey key = ref trace.OriginalKey;
        int n = 0;
        words[n++] = key.InPort.Raw;
        words[n++] = key.DlType.Raw | ((uint)key.NwProto << 16) | ((uint)key.NwFrag << 24);
        words[n++] = (uint)(key.Vlan0Tci.Host & 0x1000) | ((uint)(key.Vlan1Tci.Host & 0x1000) << 1) | ((uint)trace.PassCount << 16) | ((uint)trace.EventCount << 24);
        words[n++] = key.MplsLse0.Raw;
        for (int i = 0; i < trace.PassCount; i++)
        {
            words[n++] = (uint)trace.Passes[i].MegaflowId;
            words[n++] = trace.Passes[i].Generation;
        }

        bool hashed = false;
        for (int i = 0; i < trace.EventCount; i++)
        {
            ref TraceEvent e = ref trace.Events[i];
            words[n++] = (uint)e.Kind | ((uint)e.Pass << 8) | ((uint)e.Ct.State << 16) | (e.Ct.Reply ? 1u << 24 : 0);
            words[n++] = (uint)e.Ct.ConnId;
            words[n++] = e.Ct.Generation;
            words[n++] = e.DpHash;
            hashed |= e.Kind == TraceEventKind.Hash;
        }

        if (hashed)
        {
            words[n++] = key.NwSrc.Raw;
            words[n++] = key.NwDst.Raw;
            words[n++] = key.TpSrc.Raw | ((uint)key.TpDst.Raw << 16);
        }

        int padded = (n + 7) & ~7;
        return KeyedHash.Identity(MemoryMarshal.AsBytes(words[..padded])) | 1;
    }
}
