using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What goes out by a device goes by the ways that the host has for it: who listens there sees it, and its queueing discipline holds.</summary>
public sealed class LiveSendTests
{
    private const int EtherType = 0x88b5, PayloadOffset = 14, FrameBytes = 80;

    [Fact]
    public void Who_listens_at_a_device_sees_what_the_switch_sends_by_it()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", []), b = lab.AddHost("b", []);
        using LiveSwitch s = new LiveSwitch("in_port=1 actions=output:2").With(a, b);
        byte[] frame = Frame();

        // As tcpdump: all devices of this namespace, outgoing frames too. The other end of the device is in another namespace.
        using Socket listener = new((AddressFamily)65536, SocketType.Raw, (ProtocolType)IPAddress.HostToNetworkOrder((short)3)) { ReceiveTimeout = 100 };
        using LiveWire from = new(lab, "a");
        from.Send(frame);
        int seen = 0;
        byte[] got = new byte[65536];
        LiveLab.WaitFor(() =>
        {
            for (int length; seen < 2 && (length = Receive(listener, got)) > 0;)
            {
                if (length == frame.Length && got.AsSpan(0, length).SequenceEqual(frame)) seen++;
            }

            return seen >= 2;
        }, "the frame as it comes in, and as it goes out");
        s.Stop();
    }

    [Fact]
    public void What_goes_out_by_a_port_with_queues_goes_through_them()
    {
        using LiveLab lab = new();
        using VswitchdRun run = new();
        string a = lab.AddHost("a", ["10.95.0.1/24"]), b = lab.AddHost("b", ["10.95.0.2/24"]), bridge = lab.DeviceName("x");
        run.Start();
        run.Vsctl("add-br", bridge, "--", "add-port", bridge, a, "--", "add-port", bridge, b);
        run.Vsctl("--", "--id=@q", "create", "qos", "type=linux-htb", "other-config:max-rate=100000000", "--", "set", "port", b, "qos=@q");
        (int code, string text) = Tc("-s", "qdisc", "show", "dev", b);
        Assert.SkipUnless(code == 0 && text.Contains("htb", StringComparison.Ordinal), $"no htb here: {text}{run.Log}");
        lab.Must("a", "ping", "-c", "20", "-i", "0.01", "-W", "5", "10.95.0.2");
        string sent = Tc("-s", "qdisc", "show", "dev", b).Text;
        Assert.Matches("Sent [0-9]+ bytes (2[0-9]|[3-9][0-9]|[0-9]{3,}) pkt", sent);
    }

    private static int Receive(Socket socket, byte[] into)
    {
        try
        {
            return socket.Receive(into);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            return 0;
        }
    }

    private static (int Code, string Text) Tc(params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("tc", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            string text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, text);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (1, "tc is not installed");
        }
    }

    private static byte[] Frame()
    {
        byte[] frame = new byte[FrameBytes];
        Convert.FromHexString("02000000006202000000006188b5").CopyTo(frame, 0);
        frame[12] = EtherType >> 8;
        frame[13] = EtherType & 0xff;
        Random.Shared.NextBytes(frame.AsSpan(PayloadOffset));
        return frame;
    }
}
