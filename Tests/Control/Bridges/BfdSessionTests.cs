using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>BFD sessions (RFC 5880) against each other and against lost, wrong and old messages.</summary>
public sealed class BfdSessionTests
{
    private static readonly BfdOptions s_plain = new();

    [Fact]
    public void Two_sessions_come_up_and_one_that_is_alone_goes_down()
    {
        (BfdSession a, BfdSession b) = (Session(1, s_plain), Session(2, s_plain));
        Assert.Equal(BfdState.Down, a.State);
        Run(a, b, 0, 5000, static _ => true);
        Assert.Equal((BfdState.Up, BfdState.Up), (a.State, b.State));
        Assert.True(a.IsForwarding(5000));
        Assert.Equal("up", a.Status(5000)["remote_state"]);

        // Three times the second that the other one takes.
        Run(a, b, 5000, 6900, static _ => false);
        Assert.Equal(BfdState.Up, a.State);
        Run(a, b, 6900, 8100, static _ => false);
        Assert.Equal((BfdState.Down, BfdDiagnostic.Expired), (a.State, a.Diagnostic));
        Assert.Equal(2ul, a.FlapCount);
        Assert.Equal("Control Detection Time Expired", a.Status(8100)["diagnostic"]);
        Run(a, b, 8100, 13_000, static _ => true);
        Assert.Equal((BfdState.Up, BfdState.Up), (a.State, b.State));
        Assert.Equal("true", a.Status(13_000)["forwarding"]);
    }

    [Fact]
    public void One_direction_that_is_cut_takes_both_down()
    {
        (BfdSession a, BfdSession b) = (Session(1, s_plain), Session(2, s_plain));
        Run(a, b, 0, 5000, static _ => true);
        bool remoteTold = false;
        for (long t = 5000; t < 12_000; t += 10)
        {
            Run(a, b, t, t + 10, from => from == 1);
            remoteTold |= b.Diagnostic == BfdDiagnostic.RemoteDown || a.Diagnostic == BfdDiagnostic.RemoteDown;
        }

        Assert.NotEqual(BfdState.Up, a.State);
        Assert.NotEqual(BfdState.Up, b.State);
        Assert.True(remoteTold);
    }

    /// <summary>RFC 5880, 6.5: who wants another rhythm asks by a poll, and keeps the old one until it is answered.</summary>
    [Fact]
    public void Another_rhythm_is_polled_for()
    {
        (BfdSession a, BfdSession b) = (Session(1, s_plain), Session(2, s_plain));
        Run(a, b, 0, 5000, static _ => true);
        a.Configure(s_plain with { MinRxMs = 100, MinTxMs = 100 }, 5000);
        b.Configure(s_plain with { MinRxMs = 100, MinTxMs = 100 }, 5000);
        Run(a, b, 5000, 8000, static _ => true);
        int sent = 0;
        for (long t = 8000; t < 10_000; t += 5)
        {
            if (a.ShouldSend(t)) sent++;
            Run(a, b, t, t + 5, static _ => true);
        }

        // Every 75 to 100 ms.
        Assert.InRange(sent, 19, 28);
        Run(a, b, 10_000, 10_400, static _ => false);
        Assert.Equal(BfdState.Down, a.State);
    }

    [Fact]
    public void A_slow_session_sends_once_a_second_until_it_is_up()
    {
        BfdSession a = Session(1, s_plain);
        int sent = 0;
        for (long t = 0; t < 10_000; t += 5)
        {
            a.Run(t);
            if (!a.ShouldSend(t)) continue;
            Assert.Equal(1_000_000u, a.Send(t).MinTxUs);
            sent++;
        }

        Assert.InRange(sent, 10, 14);
    }

    [Fact]
    public void What_is_behind_the_peer_may_be_down()
    {
        (BfdSession a, BfdSession b) = (Session(1, s_plain), Session(2, s_plain with { IsPathDown = true }));
        Run(a, b, 0, 5000, static _ => true);
        Assert.Equal(BfdState.Up, a.State);
        Assert.False(a.IsForwarding(5000));
        Assert.True(b.IsForwarding(5000));
    }

    [Fact]
    public void A_message_for_another_session_changes_nothing()
    {
        BfdSession a = Session(1, s_plain);
        Assert.False(a.Receive(new BfdMessage { State = BfdState.Init, Multiplier = 3, MyDiscriminator = 9, YourDiscriminator = 77 }, 0));
        Assert.Equal(BfdState.Down, a.State);
    }

    [Theory]
    [InlineData("2040 0318 00000001 00000000 000f4240 000f4240 00000000", true)]
    [InlineData("4040 0318 00000001 00000000 000f4240 000f4240 00000000", false)]
    [InlineData("2044 0318 00000001 00000000 000f4240 000f4240 00000000", false)]
    [InlineData("2041 0318 00000001 00000000 000f4240 000f4240 00000000", false)]
    [InlineData("2040 0018 00000001 00000000 000f4240 000f4240 00000000", false)]
    [InlineData("2040 0317 00000001 00000000 000f4240 000f4240 00000000", false)]
    [InlineData("2040 0318 00000000 00000000 000f4240 000f4240 00000000", false)]
    [InlineData("20c0 0318 00000001 00000000 000f4240 000f4240 00000000", false)]
    [InlineData("2040 0318 00000001 00000000 000f4240 000f4240 000000", false)]
    public void Messages_are_discarded_as_the_RFC_says(string hex, bool isGood)
    {
        BfdMessage? read = BfdMessage.Read(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), out string? wrong);
        Assert.Equal(isGood, read is not null);
        Assert.Equal(isGood, wrong is null);
    }

    [Fact]
    public void A_message_in_a_frame_comes_back()
    {
        BfdMessage message = new() { Diagnostic = BfdDiagnostic.RemoteDown, State = BfdState.Up, Flags = BfdFlags.Poll, Multiplier = 5, MyDiscriminator = 0x12345678, YourDiscriminator = 0x9abcdef0, MinTxUs = 100_000, MinRxUs = 300_000 };
        byte[] frame = BfdFrame.Write(message, s_plain, 0x0200_0000_0001, 49152);
        Assert.StartsWith("002320000001020000000001080045c0", Convert.ToHexStringLower(frame), StringComparison.Ordinal);
        Assert.Equal(message, BfdMessage.Read(BfdFrame.PayloadOf(frame), out _));
        for (int cut = 0; cut < frame.Length; cut++) Assert.Null(BfdMessage.Read(BfdFrame.PayloadOf(frame.AsSpan(0, cut)), out _));
        frame[22] = 254;
        Assert.True(BfdFrame.PayloadOf(frame).IsEmpty);
    }

    [Fact]
    public void Damaged_frames_do_no_harm()
    {
        Random random = new(7);
        BfdSession a = Session(1, s_plain with { DecayMinRxMs = 2000, ForwardsIfReceiving = true });
        byte[] good = BfdFrame.Write(new BfdMessage { State = BfdState.Init, Multiplier = 3, MyDiscriminator = 2, YourDiscriminator = 1, MinTxUs = 1, MinRxUs = 1 }, s_plain, 2, 50000);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] frame = (byte[])good.Clone();
            for (int k = random.Next(1, 6); k > 0; k--) frame[random.Next(frame.Length)] = (byte)random.Next(256);
            if (BfdMessage.Read(BfdFrame.PayloadOf(frame.AsSpan(0, random.Next(frame.Length + 1))), out _) is { } read) a.Receive(read, i);
            a.Run(i);
            if (a.ShouldSend(i)) Assert.Equal((byte)3, a.Send(i).Multiplier);
            Assert.True(a.State is BfdState.Down or BfdState.Init or BfdState.Up);
        }
    }

    [Theory]
    [InlineData("enable=false", null)]
    [InlineData("", null)]
    [InlineData("enable=true", "100 1000 3")]
    [InlineData("enable=true min_tx=0 min_rx=-5 mult=0", "1 1 3")]
    [InlineData("enable=true min_tx=300 min_rx=200 mult=5", "300 200 5")]
    [InlineData("enable=true mult=256", "100 1000 3")]
    public void The_column_says_the_rhythm(string column, string? expected)
    {
        BfdOptions? options = BfdOptions.Of(column.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static p => p.Split('=')).ToDictionary(static p => p[0], static p => p[1]));
        Assert.Equal(expected, options is null ? null : $"{options.MinTxMs} {options.MinRxMs} {options.Multiplier}");
    }

    [Fact]
    public void Packets_that_come_keep_a_port_in_use_while_messages_are_late()
    {
        ulong received = 0;
        BfdOptions options = s_plain with { ForwardsIfReceiving = true };
        BfdSession a = new("p", options, 1, 0, new Random(1), () => received), b = Session(2, options);
        Run(a, b, 0, 5000, static _ => true);
        for (long t = 5000; t < 15_000; t += 100)
        {
            received++;
            Run(a, b, t, t + 100, static _ => false);
        }

        Assert.Equal(BfdState.Down, a.State);
        Assert.True(a.IsForwarding(15_000));
        Run(a, b, 15_000, 19_000, static _ => false);
        Assert.False(a.IsForwarding(19_000));
    }

    private static BfdSession Session(uint discriminator, BfdOptions options) => new($"p{discriminator}", options, discriminator, 0, new Random((int)discriminator), static () => 0);

    /// <summary>Both run; a message gets there at once if <paramref name="passes"/> says so of its sender.</summary>
    private static void Run(BfdSession a, BfdSession b, long from, long to, Func<uint, bool> passes)
    {
        for (long t = from; t < to; t += 5)
        {
            a.Run(t);
            b.Run(t);
            for (int round = 0; round < 3; round++)
            {
                if (a.ShouldSend(t) && a.Send(t) is var fromA && passes(1)) b.Receive(fromA, t);
                if (b.ShouldSend(t) && b.Send(t) is var fromB && passes(2)) a.Receive(fromB, t);
            }
        }
    }
}
