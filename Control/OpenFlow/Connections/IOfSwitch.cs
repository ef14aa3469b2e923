using Mergeflow.Engine.Ledger;

namespace Mergeflow.Control.OpenFlow;

/// <summary>A switch as connections see it. Its members are for any thread.</summary>
public interface IOfSwitch
{
    /// <summary>Its id, 64 bits.</summary>
    ulong DatapathId { get; }

    /// <summary>Its name.</summary>
    string Name { get; }

    /// <summary>Time, ms.</summary>
    long NowMs { get; }

    /// <summary>Its ports, by number.</summary>
    IReadOnlyList<OfPort> Ports { get; }

    /// <summary>Groups, by id.</summary>
    IReadOnlyList<GroupMod> Groups { get; }

    /// <summary>Meters, by id.</summary>
    IReadOnlyList<OfMeterState> Meters { get; }

    /// <summary>What rules see of fragments; what the switch does not have stays as it was.</summary>
    FragmentHandling Fragments { get; set; }

    /// <summary>Which Geneve option is behind which field.</summary>
    OfTlvTable Tlvs { get; }

    /// <summary>Counters of the ports, by number.</summary>
    IReadOnlyList<OfPortStats> PortStats();

    /// <summary>Counters of the queues of the ports, by port, then queue.</summary>
    IReadOnlyList<OfQueueStats> QueueStats();

    /// <summary>All rules, by table, then precedence; what packets have counted is pushed to them first.</summary>
    /// <param name="which">Selects by table, cookie, match, port and group, as a deletion would; null = all.</param>
    IReadOnlyList<OfRule> Rules(FlowMod? which);

    /// <summary>When a group was made, ms; 0 = unknown.</summary>
    long GroupCreatedMs(uint groupId);

    /// <summary>What a group has counted, and each of its buckets; what packets have counted is pushed to them by <see cref="Rules"/>.</summary>
    (BookTotals Taken, IReadOnlyList<BookTotals> Buckets) GroupCounters(uint groupId);

    /// <summary>What has come to a meter, and what each band has dropped.</summary>
    (BookTotals Taken, IReadOnlyList<BookTotals> Bands) MeterCounters(OfMeterState meter);

    /// <summary>Applies <see cref="FlowMod"/> and <see cref="GroupMod"/> in order, all or nothing.</summary>
    /// <param name="changes">What is changed.</param>
    /// <param name="owner">Who does it.</param>
    /// <param name="xid">Of the message.</param>
    /// <exception cref="FlowModException">One is refused; nothing was changed.</exception>
    void Apply(IReadOnlyList<object> changes, OfConnection owner, uint xid);

    /// <summary>Applies flow modifications in order, each for itself.</summary>
    /// <returns>What was refused, in order.</returns>
    IReadOnlyList<FlowModException> ApplyEach(IReadOnlyList<FlowMod> mods);

    /// <summary>Applies a modification of tables.</summary>
    /// <exception cref="OfRefusal">It is refused; nothing was changed.</exception>
    void Apply(OfTableMod mod, OfVersion version, int tableCount);

    /// <summary>Applies a meter modification.</summary>
    /// <exception cref="FlowModException">It is refused.</exception>
    void Apply(MeterMod mod);

    /// <summary>Changes what a port does.</summary>
    /// <exception cref="OfRefusal">There is no such port, or it has another address.</exception>
    void Apply(OfPortMod mod);

    /// <summary>Whether flows of tables make room for others, by their importance (<c>OFPTC14_EVICTION</c>).</summary>
    OfTableSettings Tables { get; }

    /// <summary>Changes which Geneve option is behind which field.</summary>
    /// <exception cref="OfRefusal">It is refused; nothing was changed.</exception>
    void Apply(OfTlvTableMod mod);

    /// <summary>Looks whether it could change what a port does.</summary>
    /// <exception cref="OfRefusal">There is no such port, or it has another address.</exception>
    void Check(OfPortMod mod);

    /// <summary>Looks whether a packet could be sent, whatever groups and meters there are.</summary>
    /// <exception cref="OfRefusal">It cannot be sent so.</exception>
    /// <exception cref="FlowModException">The actions do not fit it.</exception>
    void Check(OfPacketOut packet);

    /// <summary>Sends a packet.</summary>
    /// <exception cref="OfRefusal">It cannot be sent so.</exception>
    void Send(OfPacketOut packet);

    /// <summary>Tells connections what packets and flows have had to tell until now, as far as it is not told yet.</summary>
    void TellAll();

    /// <summary>Lets a packet go on that a controller has had.</summary>
    /// <exception cref="OfRefusal">Nothing is known of it any more.</exception>
    void Resume(OfPacketIn2 packet);

    /// <summary>Removes connections.</summary>
    void Flush(OfCtFlush which);

    /// <summary>Takes a line of the log about what could not be done.</summary>
    void Warn(string module, string text)
    {
        // Nobody reads it.
    }
}
