using System.Numerics;

namespace Mergeflow.Perf;

/// <summary>
/// The Mersenne Twister with CPython's ways of drawing from it (<c>random.Random(seed)</c>), so that a workload's bytes are the ones that
/// the published recipe makes, and can be checked by their SHA-256.
/// </summary>
public sealed class PythonRandom
{
    private const int N = 624;
    private const int M = 397;
    private readonly uint[] _state = new uint[N];
    private int _index = N;

    /// <summary>Seeds as CPython does for a non-negative integer below 2^32.</summary>
    public PythonRandom(uint seed)
    {
        _state[0] = 19650218;
        for (int k = 1; k < N; k++) _state[k] = (1812433253u * (_state[k - 1] ^ (_state[k - 1] >> 30))) + (uint)k;
        int i = 1;
        for (int k = N; k > 0; k--)
        {
            _state[i] = (_state[i] ^ ((_state[i - 1] ^ (_state[i - 1] >> 30)) * 1664525u)) + seed;
            if (++i >= N) (_state[0], i) = (_state[N - 1], 1);
        }

        for (int k = N - 1; k > 0; k--)
        {
            _state[i] = (_state[i] ^ ((_state[i - 1] ^ (_state[i - 1] >> 30)) * 1566083941u)) - (uint)i;
            if (++i >= N) (_state[0], i) = (_state[N - 1], 1);
        }

        _state[0] = 0x80000000u;
    }

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (((NextUInt32() >> 5) * 67108864.0) + (NextUInt32() >> 6)) / 9007199254740992.0;

    /// <summary><c>getrandbits(bitCount)</c>, 0..32 bits.</summary>
    public uint NextBits(int bitCount) => bitCount == 0 ? 0 : NextUInt32() >> (32 - bitCount);

    /// <summary>A number in [0, n).</summary>
    public int Below(int n)
    {
        int bits = 32 - BitOperations.LeadingZeroCount((uint)n);
        uint r = NextBits(bits);
        while (r >= (uint)n) r = NextBits(bits);
        return (int)r;
    }

    /// <summary><c>randrange(from, to)</c>.</summary>
    public int Range(int from, int to) => from + Below(to - from);

    /// <summary><c>shuffle</c>, in place.</summary>
    public void Shuffle<T>(IList<T> items)
    {
        for (int i = items.Count - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary><c>sample(range(from, to), count)</c>.</summary>
    public int[] Sample(int from, int to, int count)
    {
        int n = to - from;
        int setSize = 21;
        if (count > 5) setSize += (int)Math.Pow(4, Math.Ceiling(Math.Log(count * 3) / Math.Log(4)));
        int[] result = new int[count];
        if (n <= setSize)
        {
            int[] pool = [.. Enumerable.Range(from, n)];
            for (int i = 0; i < count; i++)
            {
                int j = Below(n - i);
                result[i] = pool[j];
                pool[j] = pool[n - i - 1];
            }

            return result;
        }

        var selected = new HashSet<int>();
        for (int i = 0; i < count; i++)
        {
            int j = Below(n);
            while (!selected.Add(j)) j = Below(n);
            result[i] = from + j;
        }

        return result;
    }

    private uint NextUInt32()
    {
        if (_index >= N) Refill();
        uint y = _state[_index++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        return y ^ (y >> 18);
    }

    private void Refill()
    {
        for (int k = 0; k < N; k++)
        {
            uint y = (_state[k] & 0x80000000u) | (_state[(k + 1) % N] & 0x7fffffffu);
            _state[k] = _state[(k + M) % N] ^ (y >> 1) ^ ((y & 1) != 0 ? 0x9908b0dfu : 0u);
        }

        _index = 0;
    }
}
