namespace Mergeflow.PropertyTests;

/// <summary>Choices from one seed.</summary>
internal sealed class Chance(int seed)
{
    private readonly Random _random = new(seed);

    public int Below(int end) => _random.Next(end);

    public bool OneIn(int n) => _random.Next(n) == 0;

    public T Of<T>(IReadOnlyList<T> items) => items[_random.Next(items.Count)];

    public uint U32() => (uint)_random.NextInt64(1L << 32);

    public byte[] Bytes(int count)
    {
        byte[] b = new byte[count];
        _random.NextBytes(b);
        return b;
    }

    /// <summary>Chooses one of several ways to go on, by weight.</summary>
    public T Weighted<T>(params ReadOnlySpan<(int Weight, T Value)> choices)
    {
        int sum = 0;
        foreach ((int weight, _) in choices) sum += weight;
        int at = Below(sum);
        foreach ((int weight, T value) in choices)
        {
            if (at < weight) return value;
            at -= weight;
        }

        return choices[^1].Value;
    }
}
