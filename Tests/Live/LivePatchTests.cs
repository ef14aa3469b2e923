using Xunit;

namespace Mergeflow.Tests;

/// <summary>Pairs of patch ports, between two switches and within one.</summary>
public sealed class LivePatchTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    public void Two_switches_are_joined_and_super_frames_pass_whole(int leftPmds, int rightPmds)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.83.0.1/24"]), b = lab.AddHost("b", ["10.83.0.2/24"]);
        using LiveSwitch left = new LiveSwitch(pmds: leftPmds).With(a), right = new LiveSwitch(pmds: rightPmds).With(b);
        (PatchPort toRight, PatchPort toLeft) = Pair((2, "to-right"), (2, "to-left"), Math.Max(leftPmds, rightPmds));
        left.Ports.Add(toRight, LiveSwitch.Now);
        right.Ports.Add(toLeft, LiveSwitch.Now);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.83.0.2");
        LiveStream.Send(lab, "a", "b", "10.83.0.2");
        LiveStream.Send(lab, "b", "a", "10.83.0.1");
        Assert.True(right[2].RxSuperFrames > 100);
        LiveLab.WaitFor(() => left[2].TxPackets == right[2].RxPackets && left[2].TxBytes == right[2].RxBytes, "what was sent to be received");

        // The far end goes: what is sent there is lost and counted.
        toRight.Peer = null;
        right.Ports.Remove(2, LiveSwitch.Now);
        Assert.NotEqual(0, lab.On("a", "ping", "-c", "1", "-W", "1", "10.83.0.2").Code);
        LiveLab.WaitFor(() => left[2][PortDrop.TxDown] > 0, "the drop");
        left.Stop();
        right.Stop();
    }

    [Fact]
    public void A_pair_within_one_switch_carries_from_one_table_to_the_next()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.83.0.1/24"]), b = lab.AddHost("b", ["10.83.0.2/24"]);
        using LiveSwitch s = new LiveSwitch("in_port=1 actions=mod_vlan_vid:9,output:3\nin_port=4,dl_vlan=9 actions=strip_vlan,output:2\nin_port=2 actions=output:4\nin_port=3 actions=output:1").With(a, b);
        (PatchPort first, PatchPort second) = Pair((3, "p"), (4, "q"), 1);
        s.Ports.Add(first, LiveSwitch.Now);
        s.Ports.Add(second, LiveSwitch.Now);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.83.0.2");
        LiveStream.Send(lab, "a", "b", "10.83.0.2");
        LiveLab.WaitFor(() => s[3].TxPackets == s[4].RxPackets && s[4].TxPackets == s[3].RxPackets, "what was sent to be received");
        s.Stop();
    }

    private static (PatchPort First, PatchPort Second) Pair((uint Number, string Name) first, (uint Number, string Name) second, int threads)
    {
        PatchPort a = new(first.Number, first.Name, threads, mac: 1), b = new(second.Number, second.Name, threads, mac: 2) { Peer = a };
        a.Peer = b;
        return (a, b);
    }
}
