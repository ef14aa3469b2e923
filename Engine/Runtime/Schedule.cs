namespace Mergeflow.Engine.Runtime;

/// <summary>Who is stepped next, by seed (SplitMix64): the same seed gives the same order.</summary>
internal sealed class Schedule(ulong seed)
{
    private ulong _state = seed;

    /// <summary>True once in <paramref name="count"/> times.</summary>
    public bool OneIn(uint count) => Below(count) == 0;

    /// <summary>Any number from 0 on that is less than <paramref name="count"/>.</summary>
    public uint Below(uint count)
    {
        ulong z = _state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return (uint)((z ^ (z >> 31)) % count);
    }
}
