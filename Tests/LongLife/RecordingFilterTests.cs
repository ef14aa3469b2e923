using Xunit;

namespace Mergeflow.Tests;

/// <summary>The filter's cells keep the low half of the clock, which comes round after 49.7 days.</summary>
public sealed class RecordingFilterTests
{
    private const long Day = 86_400_000;
    private const ulong Flow = 0x1234_0000_0000_0042;

    [Theory]
    [InlineData(0)]
    [InlineData(uint.MaxValue - 500L)]
    [InlineData(uint.MaxValue * 3L)]
    public void A_suppression_lasts_as_long_as_it_was_meant_to(long startMs)
    {
        var filter = new RecordingFilter();
        filter.Suppress(Flow, startMs, 1000, OffloadReason.Fragment);
        Assert.False(Records(filter, startMs));
        Assert.False(Records(filter, startMs + 999));
        Assert.True(Records(filter, startMs + 1000));
    }

    /// <summary>A cell that nobody touched for weeks: it once read as suppressed from the 25th to the 49th day.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(26)]
    [InlineData(37)]
    [InlineData(49)]
    [InlineData(50)]
    [InlineData(75)]
    [InlineData(1000)]
    public void An_old_suppression_is_over(int days)
    {
        foreach (long startMs in new[] { 0L, uint.MaxValue - 500L, 7 * Day })
        {
            var filter = new RecordingFilter();
            filter.Suppress(Flow, startMs, 1000, OffloadReason.Fragment);
            Assert.True(Records(filter, startMs + (days * Day)), $"suppressed {days} days after {startMs}");
        }
    }

    /// <summary>A clock that is set back leaves nothing suppressed for longer than it was.</summary>
    [Fact]
    public void A_clock_that_goes_back_suppresses_nothing()
    {
        var filter = new RecordingFilter();
        filter.Suppress(Flow, 30 * Day, 1000, OffloadReason.Fragment);
        Assert.True(Records(filter, 29 * Day));
    }

    private static bool Records(RecordingFilter filter, long nowMs) => filter.ShouldRecord(Flow, nowMs, out _, out _);
}
