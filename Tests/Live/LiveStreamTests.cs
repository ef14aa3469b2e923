using Xunit;

namespace Mergeflow.Tests;

/// <summary>What hosts send by TCP and UDP arrives as it was, with the offloads of their devices on (super-frames, unfinished checksums) and off.</summary>
public sealed class LiveStreamTests
{
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public void Streams_and_datagrams_arrive_unchanged_both_ways(bool offloads, int pmds)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.78.0.1/24", "fd78::1/64"]), b = lab.AddHost("b", ["10.78.0.2/24", "fd78::2/64"]);
        if (!offloads) lab.SwitchOffloadsOff("a", "b");
        using LiveSwitch s = new LiveSwitch(pmds: pmds).With(a, b);
        LiveStream.Send(lab, "a", "b", "10.78.0.2");
        LiveStream.Send(lab, "b", "a", "10.78.0.1");
        LiveStream.Send(lab, "a", "b", "fd78::2");
        LiveStream.Send(lab, "b", "a", "fd78::1");
        foreach (int bytes in new[] { 1, 100, 1472, 5000, 60_000 }) LiveStream.Echo(lab, "a", "b", "10.78.0.2", bytes, 10);
        foreach (int bytes in new[] { 1, 1452, 5000 }) LiveStream.Echo(lab, "a", "b", "fd78::2", bytes, 10);
        Assert.Equal(offloads, s[1].RxSuperFrames > 100);
        Assert.Equal(offloads, s[2].TxSuperFrames > 100);
        Assert.Equal((0ul, 0ul), (s[1].TxDropped, s[2].TxDropped));
        s.Stop();
    }

    [Theory]
    [InlineData(1200, 50)]
    [InlineData(500, 1)]
    public void Datagrams_that_are_sent_as_one_super_frame_arrive_one_by_one(int bytes, int count)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.78.0.1/24"]), b = lab.AddHost("b", ["10.78.0.2/24"]);
        using LiveSwitch s = new LiveSwitch().With(a, b);
        LiveStream.SendSegmented(lab, "a", "b", "10.78.0.2", bytes, count);
        if (count > 1 && s[1].RxSuperFrames == 0) Assert.Skip("the kernel gives no UDP super-frames to packet sockets");
        LiveLab.WaitFor(() => s[1].RxSuperFrames == s[2].TxSuperFrames, "super-frames to have left");
        s.Stop();
    }
}
