using System.Security.Cryptography;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Hosts reach each other through a switch whose ports are tc programs.</summary>
public sealed class TcPortTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Hosts_reach_each_other_and_the_host_in_between_sees_nothing(bool usesFilter)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.78.0.1/24", "fd78::1/64"]), b = lab.AddHost("b", ["10.78.0.2/24", "fd78::2/64"]);
        using LiveSwitch s = Switch(a, b, usesFilter);
        ulong before = SeenByStack(a);
        lab.Must("a", "ping", "-c", "5", "-i", "0.05", "-W", "5", "10.78.0.2");
        lab.Must("b", "ping", "-6", "-c", "5", "-i", "0.05", "-W", "5", "fd78::1");
        Assert.Equal((0ul, 0ul), (s[1].RxDropped + s[1].TxDropped, s[2].RxDropped + s[2].TxDropped));
        Assert.True(s[1].RxPackets >= 10 && s[2].TxPackets >= 10);
        Assert.Equal(before, SeenByStack(a));
        s.Stop();
    }

    [Fact]
    public void A_file_arrives_whole_in_super_frames_with_unfinished_checksums()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.78.1.1/24"]), b = lab.AddHost("b", ["10.78.1.2/24"]);
        using LiveSwitch s = Switch(a, b, usesFilter: false);
        string file = Path.GetTempFileName(), copy = Path.GetTempFileName();
        try
        {
            byte[] bytes = RandomNumberGenerator.GetBytes(32 << 20);
            File.WriteAllBytes(file, bytes);
            if (lab.On("a", "sh", "-c", "command -v python3").Code != 0) Assert.Skip("needs python3, which sends and receives the file");
            const string receive = "import socket,sys,shutil;s=socket.create_server(('',7000));c,_=s.accept();shutil.copyfileobj(c.makefile('rb'),open(sys.argv[1],'wb'))";
            const string send = "import socket,sys;socket.create_connection(('10.78.1.2',7000)).sendfile(open(sys.argv[1],'rb'))";
            using LiveProcess server = lab.Begin("b", "python3", "-c", receive, copy);
            LiveLab.WaitFor(() => lab.On("b", "ss", "-ltn").Text.Contains(":7000", StringComparison.Ordinal), "a listener");
            lab.Must("a", "python3", "-c", send, file);
            LiveLab.WaitFor(() => new FileInfo(copy).Length == bytes.Length, "the file");
            Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(File.ReadAllBytes(copy)));
        }
        finally
        {
            File.Delete(file);
            File.Delete(copy);
        }

        Assert.True(s[1].RxSuperFrames > 0 && s[2].TxSuperFrames > 0);
        s.Stop();
    }

    [Fact]
    public void Programs_and_TAP_are_gone_with_the_port()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.78.2.1/24"]);
        TcPort port = new(1, a);
        Assert.NotEqual(0, NetDevice.IndexOf($"mfu{port.IfIndex}"));
        port.Dispose();
        LiveLab.WaitFor(() => NetDevice.IndexOf($"mfu{port.IfIndex}") == 0, "the end of the device");
        new TcPort(1, a).Dispose();
    }

    [Fact]
    public void A_device_that_goes_is_seen_to_be_gone()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.78.3.1/24"]), b = lab.AddHost("b", ["10.78.3.2/24"]);
        using LiveSwitch s = Switch(a, b, usesFilter: false);
        lab.Ip("link", "del", a);
        LiveLab.WaitFor(() => s.Ports.Refresh(LiveSwitch.Now).Any(static p => p.Number == 1), "the end of the device");
        Assert.True(s.Ports.Remove(1, LiveSwitch.Now));
        s.Stop();
    }

    private static LiveSwitch Switch(string a, string b, bool usesFilter)
    {
        LiveSwitch s = new();
        s.Ports.Add(new TcPort(1, a, usesFilter: usesFilter), LiveSwitch.Now);
        s.Ports.Add(new TcPort(2, b, usesFilter: usesFilter), LiveSwitch.Now);
        return s;
    }

    /// <summary>Frames that came in for the IP layer of the test's own namespace by that device.</summary>
    private static ulong SeenByStack(string device)
        => File.ReadLines($"/proc/net/dev_snmp6/{device}").Select(static l => l.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)).Where(static f => f[0] == "Ip6InReceives").Select(static f => ulong.Parse(f[1])).FirstOrDefault();
}
