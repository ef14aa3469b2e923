using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Keys;

/// <summary>A 48-bit Ethernet address in wire order.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = 6)]
public struct EthAddress : IEquatable<EthAddress>
{
    private readonly ushort _a;
    private readonly uint _b;

    /// <summary>Reads six bytes in wire order.</summary>
    public static EthAddress From(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<EthAddress>(bytes);

    /// <summary>The low 48 bits of <paramref name="value"/>, most significant first on the wire.</summary>
    public static EthAddress FromUInt64(ulong value)
    {
        Span<byte> b = stackalloc byte[6];
        for (int i = 5; i >= 0; i--, value >>= 8) b[i] = (byte)value;
        return From(b);
    }

    /// <summary>Writes six bytes in wire order.</summary>
    public readonly void CopyTo(Span<byte> to) => MemoryMarshal.Write(to, in this);

    /// <summary>The address as a number, first wire byte most significant.</summary>
    public readonly ulong ToUInt64()
    {
        ulong v = 0;
        foreach (byte b in MemoryMarshal.AsBytes(new ReadOnlySpan<EthAddress>(in this))) v = (v << 8) | b;
        return v;
    }

    public readonly bool Equals(EthAddress other) => _a == other._a && _b == other._b;

    public override readonly bool Equals(object? obj) => obj is EthAddress e && Equals(e);

    public override readonly int GetHashCode() => HashCode.Combine(_a, _b);

    public static bool operator ==(EthAddress a, EthAddress b) => a.Equals(b);

    public static bool operator !=(EthAddress a, EthAddress b) => !a.Equals(b);

    /// <summary>Colon-separated hex, as OVS prints it.</summary>
    public override readonly string ToString()
    {
        ulong v = ToUInt64();
        return string.Create(17, v, static (s, x) =>
        {
            for (int i = 0; i < 6; i++)
            {
                ((byte)(x >> (40 - (8 * i)))).TryFormat(s[(3 * i)..], out _, "x2");
                if (i < 5) s[(3 * i) + 2] = ':';
            }
        });
    }
}
