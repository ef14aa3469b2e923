using System.Globalization;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>The clock of the switch by hand: <c>time/stop</c>, <c>time/warp</c> (OVS <c>lib/timeval.c</c>). After each step all that has come to its end by then is gone, and the switch has had a round.</summary>
internal sealed class TimeCommands(Vswitchd vswitchd, DummyWire wire)
{
    /// <summary>What others are given to say what they have to say, as in Open vSwitch: controllers, sockets between ports.</summary>
    private const int OthersMs = 10;

    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("time/stop", "", 0, 0, static _ =>
        {
            ProcessClock.Stop();
            return "";
        });
        commands.Add("time/warp", "[large_msecs] msecs", 1, 2, Warp);
    }

    private string Warp(IReadOnlyList<string> words)
    {
        long all = words.Count > 1 ? Number(words[0]) : 0, step = Number(words[^1]);
        if (step <= 0 || all < 0) throw new UnixctlException("invalid MSECS");
        if (words.Count == 1) all = step;
        for (long left = all; left > 0; left -= Math.Min(step, left)) Step(Math.Min(step, left));
        return "warped";
    }

    private void Step(long ms)
    {
        ProcessClock.Warp(ms);
        LiveDatapath[] datapaths = vswitchd.Locked(() => vswitchd.Datapaths.ToArray());
        foreach (LiveDatapath datapath in datapaths) datapath.Datapath.Leap(ProcessClock.NowMs);
        vswitchd.RunOnce();
        Thread.Sleep(OthersMs);
        DummyStillness.Wait(vswitchd, wire);
    }

    private static long Number(string text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : 0;
}
