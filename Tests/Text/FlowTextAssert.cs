using Xunit;

namespace Mergeflow.Tests;

/// <summary>Comparisons of parsed text by content.</summary>
internal static class FlowTextAssert
{
    public static void Same(FlowMod expected, FlowMod actual)
    {
        Assert.Equal(expected.Command, actual.Command);
        Assert.Equal(expected.Table, actual.Table);
        Assert.Equal(expected.Priority, actual.Priority);
        Assert.Equal(expected.Cookie, actual.Cookie);
        Assert.Equal(expected.CookieMask, actual.CookieMask);
        Assert.Equal(expected.NewCookie, actual.NewCookie);
        Assert.Equal(expected.IdleTimeoutSeconds, actual.IdleTimeoutSeconds);
        Assert.Equal(expected.HardTimeoutSeconds, actual.HardTimeoutSeconds);
        Assert.Equal(expected.Importance, actual.Importance);
        Assert.Equal(expected.Flags, actual.Flags);
        Assert.Equal(expected.OutPort, actual.OutPort);
        Assert.Equal(expected.OutGroup, actual.OutGroup);
        Assert.True(Match.Same(ref expected.Match, ref actual.Match), "the matches differ");
        Assert.Equal(expected.Actions, actual.Actions);
    }

    /// <summary>parse(format(x)) == x, and format is stable.</summary>
    public static void RoundTrips(FlowMod flow, FlowTextParser parser, FlowTextFormatter formatter)
    {
        string text = formatter.Format(flow);
        FlowMod again;
        try
        {
            again = parser.ParseFlow(text);
        }
        catch (FlowTextException e)
        {
            Assert.Fail($"{text}: {e}");
            throw;
        }

        Same(flow, again);
        Assert.Equal(text, formatter.Format(again));
    }

    public static void RoundTrips(GroupMod group, FlowTextParser parser, FlowTextFormatter formatter)
    {
        string text = formatter.Format(group);
        GroupMod again = parser.ParseGroup(text);
        Assert.Equal(group, again);
        Assert.Equal(text, formatter.Format(again));
    }
}
