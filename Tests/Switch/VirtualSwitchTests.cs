using Mergeflow.Perf;
using Mergeflow.Switch;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The switch as a library: what its sample shows, and what it says to whoever uses it wrongly.</summary>
public sealed class VirtualSwitchTests
{
    private const string PortForward = "in_port=a,actions=output:b\nin_port=b,actions=output:a";
    private static readonly byte[] s_request = FrameBuilder.Build(0x0a000001, 0x0a000002, 1000, 53);
    private static readonly byte[] s_reply = FrameBuilder.Build(0x0a000002, 0x0a000001, 53, 1000);

    public static TheoryData<SwitchOffload, bool> Offloads => new()
    {
        { SwitchOffload.None, false }, { SwitchOffload.Software, false }, { SwitchOffload.Software, true }, { SwitchOffload.EmulatedNic, false }, { SwitchOffload.EmulatedNic, true },
    };

    [Fact]
    public void The_sample_runs_and_is_quoted()
    {
        using StringWriter output = new();
        SwitchSample.Run(s_request, s_reply, output);
        string[] lines = output.ToString().TrimEnd('\n').Split('\n');
        Assert.Equal(["60 bytes left by port 2", "60 bytes left by port 1"], lines[..2].Select(static l => l.Replace($"{s_request.Length} ", "60 ", StringComparison.Ordinal)));
        Assert.Equal("2000 of 2000 frames forwarded, 1 connection, 2 merged rules", lines[2]);
        string sample = RepositoryFiles.Read("Tests/Switch/SwitchSample.cs");
        Assert.True(sample.Count(static c => c == '\n') <= 40);
        Assert.Contains($"```csharp\n{sample}```\n", RepositoryFiles.Read("README.md"), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Offloads))]
    public void Frames_leave_changed_as_the_flows_say_in_their_order(SwitchOffload offload, bool onThread)
    {
        using VirtualSwitch s = new VirtualSwitchBuilder().AddPort("a", 1).AddPort("b", 2).WithOffload(offload, onThread).Build();
        s.AddFlows("in_port=a,ip,actions=dec_ttl,output:b");
        byte[] buffer = new byte[2000];
        for (ushort i = 0; i < 300; i++)
        {
            s.Send(1, FrameBuilder.Build(0x0a000001, 0x0a000002, i, 53));
            s.Send(2, s_reply);
            Assert.Equal(1, s.WaitingCount);
            Assert.True(s.TryRead(buffer, out uint port, out int length));
            Assert.Equal((2u, s_request.Length), (port, length));
            Assert.Equal(s_request[22] - 1, buffer[22]);
            Assert.Equal(i, (ushort)((buffer[34] << 8) | buffer[35]));
        }

        Assert.False(s.TryRead(buffer, out _, out _));
        Assert.Equal((600, 300, 0), (s.Counters.Received, s.Counters.Transmitted, s.Counters.Lost));
        Assert.Contains("n_packets=300", Assert.Single(s.DumpFlows()), StringComparison.Ordinal);
    }

    [Fact]
    public void Flows_are_changed_and_deleted_while_a_thread_offloads()
    {
        using VirtualSwitch s = new VirtualSwitchBuilder().AddPort("a", 1).AddPort("b", 2).AddPort("c", 3).WithOffload(SwitchOffload.Software).Build();
        byte[] buffer = new byte[2000];
        for (int i = 0; i < 50; i++)
        {
            uint to = i % 2 == 0 ? 2u : 3u;
            s.AddFlows($"in_port=a,actions=output:{to}");
            for (int n = 0; n < 20; n++)
            {
                s.Send(1, s_request);
                Assert.True(s.TryRead(buffer, out uint port, out _));
                Assert.Equal(to, port);
            }
        }

        s.AddFlows("delete in_port=a");
        s.Send(1, s_request);
        Assert.Equal(0, s.WaitingCount);
    }

    [Fact]
    public void Misuse_is_told_in_plain_exceptions_and_harms_nothing()
    {
        using VirtualSwitch s = new VirtualSwitchBuilder().AddPort("a", 1).AddPort("b", 2).KeepOutputs(2).Build();
        s.AddFlows(PortForward);
        byte[] buffer = new byte[2000];
        Assert.Throws<ArgumentOutOfRangeException>("port", () => s.Send(3, s_request));
        Assert.Throws<ArgumentOutOfRangeException>("port", () => s.Send(0, s_request));
        Assert.Throws<ArgumentException>("frame", () => s.Send(1, []));
        Assert.Throws<ArgumentException>("frame", () => s.Send(1, new byte[13]));
        Assert.Throws<ArgumentException>("frame", () => s.Send(1, new byte[10_241]));
        Assert.Throws<ArgumentNullException>(() => s.AddFlows(null!));
        Assert.Contains("line 2", Assert.Throws<FormatException>(() => s.AddFlows("in_port=a,actions=drop\nbogus=5,actions=drop")).Message, StringComparison.Ordinal);
        Assert.Contains("line 1", Assert.Throws<FormatException>(() => s.AddFlows("in_port=z,actions=drop")).Message, StringComparison.Ordinal);
        for (int i = 0; i < 3; i++) s.Send(1, s_request);
        Assert.Equal((3, 1, 2), (s.Counters.Transmitted, s.Counters.Lost, s.WaitingCount));
        Assert.Throws<ArgumentException>("buffer", () => s.TryRead(new byte[10], out _, out _));
        Assert.True(s.TryRead(buffer, out uint port, out int length));
        Assert.Equal((2u, s_request.Length), (port, length));
        Assert.Equal(s_request, buffer[..length]);
    }

    [Theory]
    [MemberData(nameof(Offloads))]
    public void After_its_end_a_switch_says_that_it_is_gone(SwitchOffload offload, bool onThread)
    {
        VirtualSwitch s = new VirtualSwitchBuilder().AddPort("a", 1).AddPort("b", 2).WithOffload(offload, onThread).Build();
        s.AddFlows(PortForward);
        s.Send(1, s_request);
        s.Dispose();
        s.Dispose();
        Assert.Throws<ObjectDisposedException>(() => s.Send(1, s_request));
        Assert.Throws<ObjectDisposedException>(() => s.TryRead(new byte[2000], out _, out _));
        Assert.Throws<ObjectDisposedException>(() => s.AddFlows(PortForward));
        Assert.Throws<ObjectDisposedException>(() => s.DumpFlows());
        Assert.Throws<ObjectDisposedException>(() => s.Counters);
        s.Dispose();
    }

    [Fact]
    public void A_second_caller_at_the_same_time_is_told_so_and_harms_nothing()
    {
        using VirtualSwitch s = new VirtualSwitchBuilder().AddPort("a", 1).AddPort("b", 2).WithOffload(SwitchOffload.Software).Build();
        s.AddFlows(PortForward);
        const int eachTries = 20_000;
        long sent = 0, refused = 0;
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < eachTries; i++)
            {
                try
                {
                    s.Send(1, s_request);
                    Interlocked.Increment(ref sent);
                }
                catch (InvalidOperationException)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.Equal(3 * eachTries, sent + refused);
        Assert.Equal((sent, sent), (s.Counters.Received, s.Counters.Transmitted));
    }

    [Fact]
    public void A_builder_refuses_what_no_switch_can_be_built_of()
    {
        VirtualSwitchBuilder b = new();
        Assert.Throws<InvalidOperationException>(b.Build);
        Assert.Throws<ArgumentException>("name", () => b.AddPort(" ", 1));
        Assert.Throws<ArgumentOutOfRangeException>("number", () => b.AddPort("a", 0));
        Assert.Throws<ArgumentOutOfRangeException>("number", () => b.AddPort("a", 0xff00));
        b.AddPort("a", 1);
        Assert.Throws<ArgumentException>("name", () => b.AddPort("a", 2));
        Assert.Throws<ArgumentException>("number", () => b.AddPort("b", 1));
        Assert.Throws<ArgumentOutOfRangeException>("frames", () => b.KeepOutputs(0));
        Assert.Throws<ArgumentOutOfRangeException>("offload", () => b.WithOffload((SwitchOffload)9));
        Assert.Throws<ArgumentException>("nicProfile", () => b.WithOffload(SwitchOffload.Software, nicProfile: "tiny"));
        Assert.Throws<ArgumentException>("nicProfile", () => b.WithOffload(SwitchOffload.EmulatedNic, nicProfile: "nosuch"));
        using TemporaryFolder folder = new();
        b.WithOffload(SwitchOffload.EmulatedNic, nicProfile: folder.Write("p.json", "{"));
        Assert.Throws<FormatException>(b.Build);
    }

    [Fact]
    public void Nothing_of_what_it_shows_is_a_pointer()
    {
        Type[] shown = typeof(VirtualSwitch).Assembly.GetExportedTypes();
        Assert.Equal(["SwitchCounters", "SwitchOffload", "VirtualSwitch", "VirtualSwitchBuilder"], shown.Select(static t => t.Name).Order());
        IEnumerable<Type> used = shown.SelectMany(static t => t.GetMethods()).SelectMany(static m => m.GetParameters().Select(static p => p.ParameterType).Append(m.ReturnType));
        Assert.DoesNotContain(used, static t => t.IsPointer || (t.IsByRef && t.GetElementType()!.IsPointer) || t.Namespace?.StartsWith("Mergeflow.Engine", StringComparison.Ordinal) == true);
    }
}
