namespace Mergeflow.Native;

/// <summary>
/// What all chance comes from: one value, printed when a run has to be repeated, and from it a stream of its own for each purpose and thread.
/// </summary>
/// <param name="Value">Not 0.</param>
public readonly record struct Seed(ulong Value)
{
    /// <summary>The value given, or one from <see cref="ProcessSeed"/> if it is 0.</summary>
    public static Seed Of(ulong value) => new(value != 0 ? value : ProcessSeed.For("datapath"));

    /// <summary>Start of stream number <paramref name="stream"/>, never 0; streams tell nothing of each other without the seed (SplitMix64).</summary>
    public ulong Stream(uint stream)
    {
        ulong x = Value + ((stream + 1UL) * 0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)) * 0xbf58_476d_1ce4_e5b9;
        x = (x ^ (x >> 27)) * 0x94d0_49bb_1331_11eb;
        x ^= x >> 31;
        return x == 0 ? 1 : x;
    }
}
