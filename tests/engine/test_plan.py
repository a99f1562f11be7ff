from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.networks.network import Conv, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import ConvShape, Sampling
from wsnet_cli.engine import plan
from wsnet_cli.engine.plan import RATES, WAYS, LayerPlan, layer_work, make_plan

FIVE_SECONDS = 110_250


def ways_of(preset: str, isa: str = "avx512", lanes: int = 16) -> list[str]:
    network = build_network(load_config(preset).network, 10, FIVE_SECONDS)
    return [layer.way for layer in make_plan(network, FIVE_SECONDS, isa, lanes)]


def test_work_by_hand_with_lanes_over_filters():
    """10 filters in vectors of 4: 12 lanes; 3 outputs pooled by 2 every 1: 4 rows of 5 taps."""
    layer = Conv("conv1", ConvShape(1, 10, 5), pool=Pool(2, 1))
    work = layer_work(layer, 8, 1, "filter-lanes", 4)
    assert (work.products, work.values) == (4 * 5 * 12, 4 * 12)


def test_work_by_hand_with_a_pointwise_map():
    """D = 2: 6 sampled filters in 8 lanes, mapped to 3 outputs in 4 lanes; 4 rows of 2 taps."""
    layer = Conv("conv1", ConvShape(1, 3, 2, sampling=Sampling(2, 1, 2)))
    work = layer_work(layer, 5, 9, "filter-lanes", 4)
    assert work.products == 4 * 2 * 8 + 4 * 6 * 4


def test_work_by_hand_with_lanes_over_time():
    """9 outputs in blocks of 8 and 1, in 4 lanes: chunks of 2 and 1 rows, each in every lane."""
    layer = Conv("conv1", ConvShape(1, 10, 5))
    work = layer_work(layer, 13, 8, "time-lanes", 4)
    assert (work.products, work.values) == (4 * (2 + 1) * 5 * 10, 4 * 3 * 10)


def test_work_by_hand_of_the_recurrence():
    """s = S = 2, L = 64: one chunk of 20 rows a lane; 19 x 15 of its outputs exchange 4 taps."""
    layer = Conv("conv1", ConvShape(1, 16, 64, 2, 0, Sampling(2)))
    work = layer_work(layer, layer.input_length(80), 100, "recurrence", 4)
    starts = 20 * 16 - 19 * 15
    assert work.products == 4 * (starts * 64 + 19 * 15 * 4)


def test_work_by_hand_of_the_fast_filter():
    """L = 5, s = 2: three taps of two samples, two pairs; 20 rows in each of 4 lanes, 10 pairs."""
    layer = Conv("conv1", ConvShape(1, 10, 5, 2))
    work = layer_work(layer, layer.input_length(80), 100, "fast-fir", 4)
    assert (work.products, work.values) == (4 * (11 + 10 + 10) * (2 * 2) * 10, 4 * 20 * 10)


def test_long_dense_filters_are_halved():
    assert ways_of("esc10-dense")[:2] == ["fast-fir", "fast-fir"]


def test_sampled_layers_take_the_recurrence_where_it_pays():
    """Many overlapping filters on a long map: yes. Short filters: nothing is left to share."""
    ways = ways_of("esc10-wsnet-fast")
    assert ways[:2] == ["recurrence", "recurrence"]
    assert "recurrence" not in ways[4:]


def test_few_filters_put_their_lanes_over_time():
    """4 filters would leave three quarters of 16 lanes idle; 4 steps in time as many."""
    assert ways_of("esc10-narrow")[0] in ("time-lanes", "fast-fir")
    assert ways_of("esc10-dense")[6] == "filter-lanes"


@pytest.mark.parametrize("isa", sorted(RATES))
def test_every_instruction_set_has_constants_for_every_way(isa: str):
    assert set(RATES[isa]) == set(plan.OVERHEADS[isa]) == set(WAYS)
    assert all(rate > 0 for rate in RATES[isa].values())


@settings(deadline=None, max_examples=60)
@given(data=st.data(), lanes=st.sampled_from([1, 4, 8, 16]))
def test_the_cheapest_way_is_taken(data, lanes: int, networks) -> None:
    network, n_samples = data.draw(networks)
    for layer in make_plan(network, n_samples, "baseline", lanes):
        assert layer.nanoseconds[layer.way] == min(layer.nanoseconds.values())
        assert layer.block >= 1


def test_a_way_may_be_asked_for():
    network = Network((Conv("conv1", ConvShape(1, 16, 64, 2, 0, Sampling(2))), Mean()))
    (layer,) = make_plan(network, 9_999, "avx2", 8, {"conv1": "time-lanes"})
    assert layer.way == "time-lanes"
    assert layer.why.startswith("chosen by the caller; recurrence is estimated ")


def test_the_reason_in_words():
    assert LayerPlan("a", "x", 1, {"x": 2.0, "y": 6.0, "z": 5.0}).why == (
        "estimated 2.5x faster than z"
    )
    assert LayerPlan("a", "x", 1, {"x": 2.0}).why == "the only way"


def test_blocks_are_bounded_in_rows_and_values():
    narrow = Conv("conv1", ConvShape(1, 4, 8, 2), pool=Pool(8, 8))
    wide = Conv("conv1", ConvShape(512, 4, 4, 2))
    network = Network((narrow, Mean()))
    assert make_plan(network, 99_999, "avx2", 8)[0].block == plan.BLOCK_ROWS // 8
    assert plan._block(wide) == plan.BLOCK_VALUES // (2 * 512)


def test_a_window_that_is_too_short_is_refused():
    network = Network((Conv("conv1", ConvShape(1, 4, 8)), Mean()))
    with pytest.raises(ParameterError, match="at least 8 samples"):
        make_plan(network, 7, "avx2", 8)


@pytest.mark.parametrize(
    "sampling",
    [Sampling(2, 2, 1, "learned"), Sampling(2, 2, 1, "random"), Sampling(2, 2, 1, "regular", 2)],
)
def test_irregular_windows_share_nothing_over_time(sampling: Sampling):
    """A layer that would take the recurrence by far does not have it."""
    regular = Conv("conv2", ConvShape(2, 16, 64, 2, 0, Sampling(2, 2)))
    irregular = Conv("conv2", ConvShape(2, 16, 64, 2, 0, sampling))
    first = Conv("conv1", ConvShape(1, 2, 1))
    plans = [
        make_plan(Network((first, c, Mean())), 9_999, "avx512", 16) for c in (regular, irregular)
    ]
    assert [p[1].way == "recurrence" for p in plans] == [True, False]
    assert "recurrence" not in plans[1][1].nanoseconds
    with pytest.raises(ParameterError, match="ways: conv2: recurrence; expected one of filter-la"):
        make_plan(Network((first, irregular, Mean())), 9_999, "avx512", 16, {"conv2": "recurrence"})


def test_groups_that_cannot_be_folded_are_computed_on_all_channels():
    folded = Conv("conv1", ConvShape(8, 10, 5, sampling=Sampling(1, 4)))
    apart = Conv("conv1", ConvShape(8, 10, 5, sampling=Sampling(1, 4, group_offset=1)))
    for way in ("filter-lanes", "time-lanes", "fast-fir"):
        works = [layer_work(layer, 40, 9, way, 4).products for layer in (folded, apart)]
        assert works[1] == 4 * works[0], way
