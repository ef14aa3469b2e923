using System.Runtime.Intrinsics;
using Mergeflow.Engine;
using Xunit;

namespace Mergeflow.Tests;

public sealed class ExactMatchCacheTests
{
    private const uint RecircId = 7;

    // Bytes 2..5 and 26, 27 of lane 1 belong to the cache.
    private static readonly Vector256<byte> s_first = Vector256.Create(1UL, 2, 3, 4).AsByte();
    private static readonly Vector256<byte> s_second = Vector256.Create(5UL << 48, 6, 7, 0).AsByte();

    [Fact]
    public void TheRecentEntryAnswersOnlyForItsOwnKey()
    {
        using var cache = new ExactMatchCache(64);
        Assert.Equal(-1, cache.LookupRecent(RecircId, s_first, s_second));
        cache.Insert(s_first, s_second, 0x1234, 42);
        Assert.Equal(-1, cache.LookupAndRemember(RecircId, s_first, s_second ^ s_first, 0x1234));
        Assert.Equal(42, cache.LookupAndRemember(RecircId, s_first, s_second, 0x1234));
        Assert.Equal(42, cache.LookupRecent(RecircId, s_first, s_second));
        Assert.Equal(42, cache.LookupRecent(RecircId + 64, s_first, s_second));
        Assert.Equal(-1, cache.LookupRecent(RecircId + 1, s_first, s_second));
        Assert.Equal(-1, cache.LookupRecent(RecircId, s_first ^ Vector256.Create((byte)1), s_second));
    }

    [Fact]
    public void TheRecentEntryGoesStaleWithAllOthers()
    {
        using var cache = new ExactMatchCache(64);
        cache.Insert(s_first, s_second, 0x1234, 42);
        Assert.Equal(42, cache.LookupAndRemember(RecircId, s_first, s_second, 0x1234));
        cache.Invalidate();
        Assert.Equal(-1, cache.LookupRecent(RecircId, s_first, s_second));
        Assert.Equal(-1, cache.Lookup(s_first, s_second, 0x1234));
    }

    [Fact]
    public void AnOverwrittenRecentEntryAnswersForTheNewKeyOnly()
    {
        using var cache = new ExactMatchCache(4);
        cache.Insert(s_first, s_second, 0, 42);
        Assert.Equal(42, cache.LookupAndRemember(RecircId, s_first, s_second, 0));
        for (ulong n = 1; n <= 64; n++) cache.Insert(s_first ^ Vector256.Create(n, 0, 0, 0).AsByte(), s_second, n << 40, (int)n);
        Assert.NotEqual(42, cache.Lookup(s_first, s_second, 0));
        Assert.Equal(-1, cache.LookupRecent(RecircId, s_first, s_second));
    }
}
