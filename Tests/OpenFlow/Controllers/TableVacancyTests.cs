using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Free places of tables that have a limit: when that there are few, or many again, is told (OpenFlow 1.4, 7.3.4.5; OVS <c>send_table_status</c>).</summary>
public sealed class TableVacancyTests
{
    private const byte Down = 3, Up = 4, Table = 1;

    private readonly OfTableSettings _tables = new();
    private int _count;

    public TableVacancyTests()
    {
        _tables.CountOf = table => table == Table ? _count : 0;
        _tables.Configure(new Dictionary<int, OfTableConfig> { [Table] = new("", new TableLimit(10, false, EquatableList<Subfield>.Empty)) });
    }

    [Fact]
    public void Each_bound_is_told_once_until_the_other_has_been_crossed()
    {
        Watch(20, 80);
        Assert.Equal([(9, Down, 10)], Fill());
        Assert.Equal([(1, Up, 90)], Empty());
        Assert.Equal([(9, Down, 10)], Fill());
    }

    [Fact]
    public void What_is_waited_for_first_depends_on_how_full_the_table_is()
    {
        _count = 3;
        Watch(20, 80);
        Assert.Empty(Fill());
        Assert.Equal([(1, Up, 90)], Empty());

        // A table that is watched goes on as it was when that is said again.
        Watch(20, 80);
        Assert.Equal([(9, Down, 10)], Fill());
        Assert.Null(Watch(0, 0, isOn: false));
        Assert.Empty(Empty());
    }

    [Fact]
    public void Tables_that_take_any_number_and_those_that_have_not_changed_tell_nothing()
    {
        Watch(20, 80);
        Assert.Empty(_tables.Cross([0, 2, 253]));
        _count = 10;
        Assert.Empty(_tables.Cross([0]));
        Assert.Equal([(Table, Down, (byte)0)], _tables.Cross([0, Table, Table]));
        Assert.Equal(0, Free());
        _tables.Configure(new Dictionary<int, OfTableConfig>());
        Assert.Equal(100, Free());
        Assert.Equal([(Table, Up, (byte)100)], _tables.Cross([Table]));
    }

    [Fact]
    public void The_message_is_that_of_OpenFlow()
    {
        Watch(20, 80);
        OfTableStatus status = new() { Kind = OfKind.TableStatus, Xid = 0, Reason = Down, Table = _tables.Describe(OfVersion.V14, Table, 10) };
        byte[] bytes = OfCodec.Encode(status, OfVersion.V14);
        Assert.Equal("051f002800000000" + "0300000000000000" + "0018010000000008" + "0002000800000007" + "0003000814500a00", Convert.ToHexStringLower(bytes));
    }

    private byte Free() => _tables.Describe(OfVersion.V14, Table).Properties.Span[14];

    private string? Watch(byte down, byte up, bool isOn = true)
    {
        _tables.Apply(new OfTableMod { Kind = OfKind.TableMod, Table = Table, Config = isOn ? 8u : 0, Properties = isOn ? new OfBytes([0, 3, 0, 8, down, up, 0, 0]) : OfBytes.Empty }, OfVersion.V14, 254);
        return null;
    }

    private List<(int Count, byte Reason, byte Free)> Fill() => Step(10, +1);

    private List<(int Count, byte Reason, byte Free)> Empty() => Step(0, -1);

    private List<(int Count, byte Reason, byte Free)> Step(int end, int by)
    {
        List<(int, byte, byte)> told = [];
        while (_count != end)
        {
            _count += by;
            told.AddRange(_tables.Cross([Table]).Select(c => (_count, c.Reason, c.Free)));
        }

        return told;
    }
}
