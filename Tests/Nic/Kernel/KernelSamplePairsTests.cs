using System.Runtime.InteropServices;
using Mergeflow.Nic;
using Xunit;
using S = Mergeflow.Nic.KernelSamples;

namespace Mergeflow.Tests;

/// <summary>Records of hits, as the program writes them, of which any may have found no room in the ring: what is compared belongs together.</summary>
public sealed class KernelSamplePairsTests
{
    private const uint Slot = 7;

    private readonly KernelSamplePairs _pairs = new(2);
    private readonly List<KernelSample> _taken = [];

    [Fact]
    public void What_came_and_all_that_left_are_one_hit()
    {
        Take(S.Came, hit: 1, content: 10, port: 1);
        Take(S.CopyLeft, hit: 1, content: 11, port: 2, copies: 1);
        Take(S.Left, hit: 1, content: 12, port: 3, copies: 1);
        Assert.Equal("1:10 -> 2:11 3:12", Told());
        Assert.Equal(0ul, _pairs.Unpaired);
    }

    /// <summary>The end of one hit and the beginning of the next found no room: the same rule, the same processor, two frames.</summary>
    [Fact]
    public void What_left_is_not_put_to_another_hit_of_its_rule()
    {
        Take(S.Came, hit: 1, content: 10);
        Take(S.Left, hit: 2, content: 21);
        Assert.Empty(_taken);
        Assert.Equal(1ul, _pairs.Unpaired);
        Take(S.Came, hit: 3, content: 30);
        Take(S.Left, hit: 3, content: 31);
        Assert.Equal("1:30 -> 2:31", Told());
    }

    [Fact]
    public void A_copy_is_not_put_to_another_hit_of_its_rule()
    {
        Take(S.Came, hit: 1, content: 10);
        Take(S.CopyLeft, hit: 2, content: 21, copies: 1);
        Take(S.Left, hit: 2, content: 22, copies: 1);
        Assert.Empty(_taken);
    }

    /// <summary>A copy found no room, the frame behind it did: the hit has left by more ports than are known.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_hit_without_one_of_its_copies_is_none(uint lost)
    {
        Take(S.Came, hit: 1, content: 10);
        for (uint copy = 1; copy <= 2; copy++)
        {
            if (copy != lost) Take(S.CopyLeft, hit: 1, content: (byte)(10 + copy), copies: copy);
        }

        Take(S.Left, hit: 1, content: 13, copies: 2);
        Assert.Empty(_taken);
        Assert.NotEqual(0ul, _pairs.Unpaired);
    }

    [Fact]
    public void Hits_of_several_processors_are_told_apart()
    {
        Take(S.Came, hit: 1, content: 10, processor: 0);
        Take(S.Came, hit: 2, content: 20, processor: 1);
        Take(S.Left, hit: 1, content: 11, processor: 0);
        Take(S.Left, hit: 2, content: 21, processor: 1);
        Assert.Equal("1:10 -> 2:11, 1:20 -> 2:21", Told());
    }

    /// <summary>A record that is shorter than what stands in front of a frame.</summary>
    [Fact]
    public void A_record_that_is_cut_is_none()
    {
        Assert.True(_pairs.Take(0, 5, new byte[S.MetaBytes - 1], static (_, _, _) => throw new InvalidOperationException("taken")));
        Assert.Equal(0ul, _pairs.Unpaired);
    }

    private void Take(int kind, uint hit, byte content, uint port = 0, uint copies = 0, int processor = 0)
    {
        byte[] record = new byte[S.MetaBytes + 1];
        Word(S.KindAt, (uint)kind);
        Word(S.SlotAt, Slot);
        Word(S.PortAt, port != 0 ? port : kind == S.Came ? 1u : 2u);
        Word(S.LengthAt, 1);
        Word(S.HitAt, hit);
        Word(S.CopiesAt, copies);
        record[S.MetaBytes] = content;
        _pairs.Take(processor, 5, record, (slot, _, sample) =>
        {
            Assert.Equal(Slot, slot);
            _taken.Add(sample);
            return true;
        });

        void Word(int at, uint value) => MemoryMarshal.Write(record.AsSpan(at), in value);
    }

    private string Told() => string.Join(", ", _taken.Select(static t => $"{t.InPort}:{t.Frame[0]} -> {string.Join(' ', t.Outputs.Select(static o => $"{o.Port}:{o.Frame[0]}"))}"));
}
