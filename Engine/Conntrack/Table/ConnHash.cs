using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using X86Aes = System.Runtime.Intrinsics.X86.Aes;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Keyed hashes of connection tuples: who does not know the key cannot aim at one bucket.</summary>
internal readonly struct ConnHash
{
    private readonly Vector128<byte> _k0;
    private readonly Vector128<byte> _k1;
    private readonly Vector128<byte> _k2;

    /// <summary>Expands <paramref name="seed"/> (SplitMix64).</summary>
    public ConnHash(ulong seed)
    {
        _k0 = Vector128.Create(Next(ref seed), Next(ref seed)).AsByte();
        _k1 = Vector128.Create(Next(ref seed), Next(ref seed)).AsByte();
        _k2 = Vector128.Create(Next(ref seed), Next(ref seed)).AsByte();
    }

    /// <summary>Hash of a tuple, equal for its reverse.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong OfKey(in ConnKey key)
    {
        ulong a = key.Src | ((ulong)key.SrcPort << 32);
        ulong b = key.Dst | ((ulong)key.DstPort << 32);
        ulong rest = (key.Tail >> 32) & ~((ulong)ConnKey.AuxReplyType << 8);
        return Mix(Math.Min(a, b) | (rest << 48), Math.Max(a, b) | ((rest >> 16) << 48));
    }

    /// <summary>32-bit digest of an IPv6 address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint OfAddress(in Ipv6Address address)
    {
        Vector128<ulong> v = Unsafe.As<Ipv6Address, Vector128<ulong>>(ref Unsafe.AsRef(in address));
        return (uint)Mix(v.GetElement(0), v.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Mix(ulong lo, ulong hi)
    {
        if (X86Aes.IsSupported)
        {
            Vector128<byte> x = Vector128.Create(lo, hi).AsByte() ^ _k0;
            x = X86Aes.Encrypt(x, _k1);
            x = X86Aes.Encrypt(x, _k2);
            x = X86Aes.Encrypt(x, _k0);
            return x.AsUInt64().ToScalar();
        }
        ulong h = Math.BigMul(lo ^ _k0.AsUInt64().ToScalar(), hi ^ _k1.AsUInt64().ToScalar(), out ulong l) ^ l;
        h = Math.BigMul(h ^ _k2.AsUInt64().ToScalar(), _k0.AsUInt64().GetElement(1) | 1, out l) ^ l;
        return h;
    }

    private static ulong Next(ref ulong state)
    {
        ulong z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
}
