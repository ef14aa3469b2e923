using System.Runtime.Intrinsics;
using Xunit;

namespace Mergeflow.Tests;

public sealed class ExactMatchCacheTests
{
    private const uint RecircId = 7;

    // Bytes 2..7 and 26..29 of lane 1 belong to the cache.
    private static readonly Vector256<byte> s_first = Vector256.Create(1UL, 2, 3, 4).AsByte();
    private static readonly Vector256<byte> s_second = Vector256.Create(5UL, 6, 7, 0).AsByte();

    [Fact]
    public void The_recent_entry_answers_only_for_its_own_key()
    {
        using var cache = new ExactMatchCache(64);
        Assert.Equal(-1, cache.LookupRecent(RecircId, s_first, s_second).Id);
        cache.Insert(s_first, s_second, 0x1234, 42, 1);
        Assert.Equal(-1, cache.LookupAndRemember(RecircId, s_first, s_second ^ s_first, 0x1234).Id);
        Assert.Equal(42, cache.LookupAndRemember(RecircId, s_first, s_second, 0x1234).Id);
        Assert.Equal(42, cache.LookupRecent(RecircId, s_first, s_second).Id);
        Assert.Equal(42, cache.LookupRecent(RecircId + 64, s_first, s_second).Id);
        Assert.Equal(-1, cache.LookupRecent(RecircId + 1, s_first, s_second).Id);
        Assert.Equal(-1, cache.LookupRecent(RecircId, s_first ^ Vector256.Create((byte)1), s_second).Id);
    }

    [Fact]
    public void The_recent_entry_goes_stale_with_all_others()
    {
        using var cache = new ExactMatchCache(64);
        cache.Insert(s_first, s_second, 0x1234, 42, 1);
        Assert.Equal(42, cache.LookupAndRemember(RecircId, s_first, s_second, 0x1234).Id);
        cache.Invalidate();
        Assert.Equal(-1, cache.LookupRecent(RecircId, s_first, s_second).Id);
        Assert.Equal(-1, cache.Lookup(s_first, s_second, 0x1234).Id);
    }

    [Fact]
    public void An_overwritten_recent_entry_answers_for_the_new_key_only()
    {
        using var cache = new ExactMatchCache(4);
        cache.Insert(s_first, s_second, 0, 42, 1);
        Assert.Equal(42, cache.LookupAndRemember(RecircId, s_first, s_second, 0).Id);
        for (ulong n = 1; n <= 64; n++) cache.Insert(s_first ^ Vector256.Create(n, 0, 0, 0).AsByte(), s_second, n << 40, (int)n, 1);
        Assert.NotEqual(42, cache.Lookup(s_first, s_second, 0).Id);
        Assert.Equal(-1, cache.LookupRecent(RecircId, s_first, s_second).Id);
    }

    /// <summary>An entry is of the megaflow's generation: what comes into the slot afterwards is not answered for.</summary>
    [Fact]
    public void An_entry_is_of_one_generation()
    {
        using var cache = new ExactMatchCache(64);
        cache.Insert(s_first, s_second, 0x1234, int.MaxValue - 1, 0xabc0_ffff);
        CachedMegaflow cached = cache.Lookup(s_first, s_second, 0x1234);
        Assert.Equal((true, int.MaxValue - 1), (cached.IsFound, cached.Id));
        Assert.True(cached.IsCurrent(0xabc0_ffff));
        Assert.False(cached.IsCurrent(0xabc1_0000));
        Assert.False(cached.IsCurrent(0xabc0_fffe));
        Assert.False(cached.IsCurrent(0xabc0_00ff));
        Assert.False(CachedMegaflow.None.IsFound);
    }

    /// <summary>The epoch starts just before its last value: nothing of before is found after the wrap, also not when the numbers are the same again.</summary>
    [Fact]
    public void The_epoch_wraps_to_an_empty_cache()
    {
        using var cache = new ExactMatchCache(64);
        cache.Insert(s_first, s_second, 0x1234, 42, 1);
        cache.SetEpoch(uint.MaxValue - 1);
        cache.Insert(s_second, s_first, 0x4321, 43, 1);
        for (int i = 0; i < 3; i++)
        {
            cache.Invalidate();
            Assert.False(cache.Lookup(s_first, s_second, 0x1234).IsFound);
            Assert.False(cache.Lookup(s_second, s_first, 0x4321).IsFound);
            Assert.Equal(0, cache.CountCurrent());
        }

        cache.Insert(s_first, s_second, 0x1234, 44, 1);
        Assert.Equal(44, cache.Lookup(s_first, s_second, 0x1234).Id);
    }
}
