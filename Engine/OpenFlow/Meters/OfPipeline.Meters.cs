using System.Collections.Immutable;

namespace Mergeflow.Engine.OpenFlow;

/// <content>Meter modifications (OpenFlow <c>OFPT_METER_MOD</c>, OVS <c>handle_meter_mod</c>).</content>
public sealed partial class OfPipeline
{
    /// <summary>Most meters (OVS <c>MAX_METERS</c>).</summary>
    public const int MaxMeters = 1 << 18;

    /// <summary>Most bands of a meter (OVS <c>MAX_BANDS</c>).</summary>
    public const int MaxMeterBands = 8;

    /// <summary>The meter of everything that goes to controllers and asks for no other one (<c>OFPM_CONTROLLER</c>).</summary>
    public const uint ControllerMeter = 0xffff_fffe;

    /// <summary>Meter id that means all meters in a delete (<c>OFPM_ALL</c>).</summary>
    public const uint AllMeters = 0xffff_ffff;

    private ImmutableDictionary<uint, OfMeterState> _meters = ImmutableDictionary<uint, OfMeterState>.Empty;

    /// <summary>Slots of deleted meters that megaflows may still name.</summary>
    private readonly List<uint> _retiredMeterSlots = [];

    /// <summary>All meters by id; a copy.</summary>
    public IReadOnlyList<OfMeterState> Meters
    {
        get
        {
            lock (_lock) return [.. _meters.Values.OrderBy(static m => m.Mod.MeterId)];
        }
    }

    /// <summary>Rules that end with the meter: those whose first action it is (OVS <c>ofpacts_get_meter</c>).</summary>
    public int RulesOfMeter(uint meterId) => Rules.Count(r => BeginsWithMeter(r, meterId));

    /// <summary>
    /// Applies one meter modification. Deleting a meter deletes the rules that begin with it, as Open vSwitch does; the meter acts until
    /// <see cref="ReleaseMeters"/>. A modification of rates changes no translation.
    /// </summary>
    /// <exception cref="FlowModException">The modification is refused; nothing was changed.</exception>
    public void ApplyMeter(MeterMod mod, long nowMs = 0)
    {
        lock (_lock)
        {
            if (mod.Command == MeterModCommand.Delete)
            {
                DeleteMeter(mod.MeterId);
                return;
            }

            CheckMeter(mod);
            OfMeterState state = mod.Command == MeterModCommand.Modify
                ? _meters[mod.MeterId] with { Mod = mod }
                : new OfMeterState(mod, Backer.TakeMeterSlot(), nowMs);
            Options.Meters?.Set(state.Slot, mod);
            _meters = _meters.SetItem(mod.MeterId, state);
            if (mod.Command == MeterModCommand.Add) Publish();
        }
    }

    /// <summary>Applies meter modifications in order, all or nothing, each as <see cref="ApplyMeter"/>.</summary>
    /// <exception cref="FlowModException">One is refused (<see cref="FlowModException.Index"/>); nothing was changed.</exception>
    public void ApplyMeters(IReadOnlyList<MeterMod> mods, long nowMs = 0)
    {
        lock (_lock)
        {
            TryMeters(mods);
            foreach (MeterMod mod in mods) ApplyMeter(mod, nowMs);
        }
    }

    /// <summary>Takes the meters away that were deleted; no megaflow may name them any more.</summary>
    public void ReleaseMeters()
    {
        lock (_lock)
        {
            foreach (uint slot in _retiredMeterSlots)
            {
                Options.Meters?.Clear(slot);
                Backer.ReturnMeterSlot(slot);
            }

            _retiredMeterSlots.Clear();
        }
    }

    /// <summary>Which meters there would be is all that decides about the next modification.</summary>
    private void TryMeters(IReadOnlyList<MeterMod> mods)
    {
        ImmutableDictionary<uint, OfMeterState> before = _meters;
        try
        {
            for (int i = 0; i < mods.Count; i++)
            {
                MeterMod mod = mods[i];
                try
                {
                    if (mod.Command != MeterModCommand.Delete) CheckMeter(mod);
                }
                catch (FlowModException e)
                {
                    throw e.At(i);
                }

                _meters = mod.Command != MeterModCommand.Delete ? _meters.SetItem(mod.MeterId, new OfMeterState(mod, 0, 0)) : mod.MeterId == AllMeters ? _meters.Clear() : _meters.Remove(mod.MeterId);
            }
        }
        finally
        {
            _meters = before;
        }
    }

    private void CheckMeter(MeterMod mod)
    {
        if (mod.MeterId is 0 or AllMeters) throw new FlowModException("OFPMMFC_INVALID_METER", $"meter {mod.MeterId} cannot be defined");
        if (mod.Bands.Count > MaxMeterBands) throw new FlowModException("OFPMMFC_OUT_OF_BANDS", $"a meter has at most {MaxMeterBands} bands");
        bool exists = _meters.ContainsKey(mod.MeterId);
        if (mod.Command == MeterModCommand.Add && exists) throw new FlowModException("OFPMMFC_METER_EXISTS", $"meter {mod.MeterId} exists");
        if (mod.Command == MeterModCommand.Modify && !exists) throw new FlowModException("OFPMMFC_UNKNOWN_METER", $"meter {mod.MeterId} does not exist");
        bool kbps = (mod.Flags & MeterFlags.Kbps) != 0;
        if (kbps == ((mod.Flags & MeterFlags.PacketRate) != 0)) throw new FlowModException("OFPMMFC_BAD_FLAGS", "a meter counts in one of kbps and pktps");
        if (mod.Bands.Count == 0) throw new FlowModException("OFPMMFC_OUT_OF_BANDS", "a meter needs a band");
        if (mod.Bands.Any(static b => b.PrecedenceLevel is not null)) throw new FlowModException("OFPMMFC_BAD_BAND", "bands of type dscp_remark are not supported");
        if (mod.Bands.Any(static b => b.Rate == 0)) throw new FlowModException("OFPMMFC_BAD_RATE", "the rate of a band is at least 1");
        if (!exists && _meters.Count >= MaxMeters) throw new FlowModException("OFPMMFC_OUT_OF_METERS", $"there are {MaxMeters} meters");
    }

    private void DeleteMeter(uint meterId)
    {
        bool any = false;
        foreach (uint id in meterId == AllMeters ? [.. _meters.Keys] : new[] { meterId })
        {
            if (!_meters.TryGetValue(id, out OfMeterState? state)) continue;
            _meters = _meters.Remove(id);
            any = true;
            _retiredMeterSlots.Add(state.Slot);
            _tables.RemoveWhere(r => BeginsWithMeter(r, id), RuleEnd.MeterDeleted);
        }

        if (any) Publish();
    }

    private static bool BeginsWithMeter(OfRule rule, uint meterId) => rule.Actions.Count > 0 && rule.Actions[0] is OfMeter m && m.MeterId == meterId;

    /// <summary>The first meter that the actions name and that is not there.</summary>
    private uint? MissingMeter(EquatableList<OfAction> actions)
    {
        foreach (OfAction action in actions)
        {
            uint? missing = action switch
            {
                OfMeter m => _meters.ContainsKey(m.MeterId) ? null : m.MeterId,
                OfClone c => MissingMeter(c.Actions),
                OfWriteActions w => MissingMeter(w.Actions),
                _ => null,
            };
            if (missing is not null) return missing;
        }

        return null;
    }
}
