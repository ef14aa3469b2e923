namespace Mergeflow.Native;

/// <summary>An interface of a pcapng section and how its timestamps count.</summary>
internal struct PcapngInterface
{
    private static readonly ulong[] PowerOfTen = BuildPowers();

    public uint LinkType;

    /// <summary>Most bytes kept of a frame; 0 = all.</summary>
    public uint SnapBytes;

    /// <summary>if_tsresol: bit 7 clear: units of 10^-n seconds; set: of 2^-n.</summary>
    public byte Resolution;

    /// <summary>if_tsoffset: seconds to add to each timestamp.</summary>
    public long OffsetSeconds;

    public long BlockOffsetBytes;

    /// <summary>A timestamp in nanoseconds since 1970, as near as a 64-bit number gets.</summary>
    public readonly long ToNs(ulong units)
    {
        if (Resolution == 6 && OffsetSeconds == 0 && units < 1UL << 53) return (long)units * 1000;
        int exponent = Resolution & 0x7f;
        UInt128 ns;
        if ((Resolution & 0x80) != 0) ns = ((UInt128)units * 1_000_000_000) >> exponent;
        else if (exponent <= 9) ns = (UInt128)units * PowerOfTen[9 - exponent];
        else ns = exponent - 9 < PowerOfTen.Length ? units / PowerOfTen[exponent - 9] : 0;

        Int128 total = (Int128)ns + ((Int128)OffsetSeconds * 1_000_000_000);
        return (long)Int128.Clamp(total, long.MinValue, long.MaxValue);
    }

    private static ulong[] BuildPowers()
    {
        var powers = new ulong[20];
        powers[0] = 1;
        for (int i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * 10;
        return powers;
    }
}
