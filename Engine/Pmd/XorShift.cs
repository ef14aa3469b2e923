namespace Mergeflow.Engine.Pmd;

/// <summary>Random numbers of one thread, by xorshift64* (Vigna 2016): for choices that want speed, not secrecy.</summary>
/// <param name="seed">Where they begin, not 0.</param>
internal struct XorShift(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The next one.</summary>
    public uint Next()
    {
        _state ^= _state >> 12;
        _state ^= _state << 25;
        _state ^= _state >> 27;
        return (uint)((_state * 0x2545F4914F6CDD1DUL) >> 32);
    }
}
