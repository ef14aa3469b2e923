using System.Reflection;
using Mergeflow.Cli;
using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// The runtime's optimising compiler takes a store of a whole value for dead when a store of its first field follows, although the rest is never
/// written (docs/adr/0007). No code of ours may depend on such a pair.
/// </summary>
public sealed class StoreOrderTests
{
    public static TheoryData<Type> Assemblies => [typeof(PinnedMemory), typeof(NicKey), typeof(FlowKey), typeof(ReplaySession), typeof(Perf.PerfApp)];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void No_first_field_is_stored_right_behind_the_whole(Type member) => Assert.Empty(IlStores.FirstFieldBehindWhole(member.Assembly));

    [Theory]
    [InlineData(nameof(ByReference))]
    [InlineData(nameof(InArray))]
    [InlineData(nameof(InField))]
    [InlineData(nameof(Copied))]
    [InlineData(nameof(Cleared))]
    public void Such_a_pair_is_found(string method) => Assert.NotEmpty(IlStores.FirstFieldBehindWhole(Method(method)));

    [Theory]
    [InlineData(nameof(InOneStore))]
    [InlineData(nameof(SecondField))]
    [InlineData(nameof(InLocal))]
    public void Others_are_not(string method) => Assert.Empty(IlStores.FirstFieldBehindWhole(Method(method)));

    private static MethodInfo Method(string name) => typeof(StoreOrderTests).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!;

    private static void ByReference(ref Record record, in Four key)
    {
        record = default;
        record.Key = key;
    }

    private static void InArray(Record[] records, Four key)
    {
        records[1] = default;
        records[1].Key = key;
    }

    private static void InField(Holder holder, Four key)
    {
        holder.Record = default;
        holder.Record.Key = key;
    }

    private static void Copied(ref Record record, Record other, Four key)
    {
        record = other;
        record.Key = key;
    }

    private static void Cleared(ref Record record)
    {
        record = default;
        record.Key = default;
    }

    private static void InOneStore(ref Record record) => record = new Record { Key = new Four { A = 1, B = 2, C = 3, D = 4 }, Count = 1 };

    private static void SecondField(ref Record record, Four key)
    {
        record = default;
        record.Other = key;
    }

    private static long InLocal(Four key)
    {
        Record record = default;
        record.Key = key;
        return record.Key.A + record.Count;
    }

    private struct Four
    {
        public long A;
        public long B;
        public long C;
        public long D;
    }

    private struct Record
    {
        public Four Key;
        public Four Other;
        public int Count;
    }

    private sealed class Holder
    {
        public Record Record;
    }
}
